/* SPDX-License-Identifier: Apache-2.0 */
/* Seals and opens secrets with the key in STATE_DIR/secret.key. */
#include "edge/core/vault.h"

#include "base/rand.h"
#include "base/sentence.h"
#include "edge/core/settings.h"
#include "hook/harmless.h"
#include "hook/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_WHERE S("head of a delivery")
#define SEALED_MARK 1 /* the first byte of what is sealed; no head begins with it */

struct vault {
	unsigned char key[SEAL_KEY_BYTES];
	char hide[SETTINGS_HIDE][64];
	size_t n_hide;
};

/* --- the key --- */

/* The name of a new file is on the disk only when its folder is. */
static bool
sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/* Nothing is sealed with a key that is not on the disk. */
static bool
make_key(const char *path, const char *dir, unsigned char key[SEAL_KEY_BYTES])
{
	char *fresh = sentence("%s.new", path);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good;

	rand_bytes(key, SEAL_KEY_BYTES);
	good = fd >= 0 && fchmod(fd, 0600) == 0 &&
	       write(fd, key, SEAL_KEY_BYTES) == SEAL_KEY_BYTES && fsync(fd) == 0 &&
	       rename(fresh, path) == 0 && sync_folder(dir);
	if (fd >= 0)
		close(fd);
	free(fresh);
	return good;
}

/*
 * A key of another length was cut off, or is no key: what is sealed with it could
 * not be opened.
 */
static char *
read_key(int fd, const char *path, unsigned char key[SEAL_KEY_BYTES])
{
	struct stat st;

	if (fstat(fd, &st) != 0 || read(fd, key, SEAL_KEY_BYTES) != SEAL_KEY_BYTES ||
	    st.st_size != SEAL_KEY_BYTES)
		return sentence("%s: not a key of %d bytes", path, SEAL_KEY_BYTES);
	if ((st.st_mode & 077) != 0)
		return sentence("%s: others may read it: chmod 600 %s", path, path);
	return NULL;
}

struct vault *
vault_open(const struct settings *s, char **ret_error)
{
	struct vault *k = calloc(1, sizeof(*k));
	char *path = sentence("%s/secret.key", s->state_dir), *error = NULL;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (k == NULL)
		error = sentence("out of memory");
	else if (fd >= 0)
		error = read_key(fd, path, k->key);
	/*
	 * Only where there is none: a key that cannot be read must not be replaced, or all
	 * that it has sealed would be lost.
	 */
	else if (errno != ENOENT || !make_key(path, s->state_dir, k->key))
		error = sentence("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
	if (error == NULL) {
		check(s->inbox.n_hide <= SETTINGS_HIDE);
		memcpy(k->hide, s->inbox.hide, sizeof(k->hide));
		k->n_hide = s->inbox.n_hide;
		return k;
	}
	vault_free(k);
	*ret_error = error;
	return NULL;
}

void
vault_free(struct vault *k)
{
	if (k != NULL)
		OPENSSL_cleanse(k, sizeof(*k));
	free(k);
}

/* --- sealing --- */

void
vault_seal(const struct vault *k, struct slice where, struct slice text, struct buf *out)
{
	char *dst = buf_room(out, text.n + SEAL_EXTRA_BYTES);

	check(where.n > 0); /* what is sealed for no place could be put anywhere */
	if (dst == NULL || !seal_close(k->key, where, text, dst)) {
		out->failed = true;
		return;
	}
	check(dst[0] == SEALED_MARK); /* vault_clear_head() knows it again by that */
	out->n += text.n + SEAL_EXTRA_BYTES;
}

ptrdiff_t
vault_unseal(const struct vault *k, struct slice where, struct slice sealed, char *dst)
{
	return seal_open(k->key, where, sealed, dst);
}

/* --- heads --- */

/* What the operator names comes first, so that a harmless field can be hidden, too. */
bool
vault_is_secret(const struct vault *k, struct slice field)
{
	for (size_t i = 0; i < k->n_hide; i++)
		if (slice_ieq(field, slice_str(k->hide[i])))
			return true;
	return !harmless_is(field);
}

void
vault_head(const struct vault *k, struct slice head, struct buf *out)
{
	vault_seal(k, HEAD_WHERE, head, out);
}

/* A head that an older version has stored in clear begins with a letter of its method. */
struct slice
vault_clear_head(const struct vault *k, struct slice stored, struct buf *room)
{
	struct slice none = { 0 };
	char *dst;
	ptrdiff_t n;

	if (stored.n == 0 || stored.p[0] != SEALED_MARK)
		return stored;
	buf_reset(room);
	dst = buf_room(room, stored.n);
	n = dst == NULL ? -1 : vault_unseal(k, HEAD_WHERE, stored, dst);
	if (n < 0)
		return none;
	check((size_t)n < stored.n);
	room->n = (size_t)n;
	return buf_slice(room);
}
