/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/core/vault.h"

#include "edge/core/settings.h"
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/adit-keep-XXXXXX";

static struct vault *
open_keep(char **error)
{
	struct settings *s = settings_new();
	struct vault *k;

	snprintf(s->state_dir, sizeof(s->state_dir), "%s", dir);
	snprintf(s->inbox.hide[s->inbox.n_hide++], sizeof(s->inbox.hide[0]), "X-Hook-Password");
	k = vault_open(s, error);
	settings_unref(s);
	return k;
}

static void
key_path(char dst[64])
{
	snprintf(dst, 64, "%s/secret.key", dir);
}

TEST(s23_the_key_is_made_once_and_is_private)
{
	char *error = NULL, path[64], opened[64];
	struct vault *k = open_keep(&error), *again = open_keep(&error);
	struct stat st;
	struct buf b;

	key_path(path);
	EXPECT(k != NULL && again != NULL);
	EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600 && st.st_size == 32);
	buf_init(&b, 256);
	vault_seal(k, S("web"), S("{\"secrets\":[]}"), &b);
	EXPECT(!b.failed && b.n == 14 + 29);
	EXPECT_INT(vault_unseal(again, S("web"), buf_slice(&b), opened), 14);
	EXPECT_SLICE(slice_of(opened, 14), S("{\"secrets\":[]}"));
	EXPECT_INT(vault_unseal(again, S("other"), buf_slice(&b), opened), -1);
	buf_fini(&b);
	vault_free(k);
	vault_free(again);
}

TEST(s23_a_key_that_others_may_read_or_that_is_none_is_refused)
{
	char *error = NULL, path[64];

	key_path(path);
	chmod(path, 0640);
	EXPECT(open_keep(&error) == NULL && error != NULL && strstr(error, "chmod 600") != NULL);
	free(error);
	error = NULL;
	chmod(path, 0600);
	EXPECT(truncate(path, 31) == 0);
	EXPECT(open_keep(&error) == NULL && error != NULL);
	free(error);
	unlink(path);
}

TEST(s23_every_head_is_sealed)
{
	static const char *const heads[] = { "POST /?token=x HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nX-Vault-Token: x\r\n\r\n", "", "\1" };
	char *error = NULL;
	struct vault *k = open_keep(&error);
	struct buf stored, room;

	buf_init(&room, 4096);
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		struct slice head = slice_str(heads[i]);

		buf_init(&stored, 4096);
		vault_head(k, head, &stored);
		EXPECT(!slice_eq(slice_head(buf_slice(&stored), head.n), head) || head.n < 2);
		EXPECT_SLICE(vault_clear_head(k, buf_slice(&stored), &room), head);
		stored.p[stored.n - 1] ^= 1;
		EXPECT_INT(vault_clear_head(k, buf_slice(&stored), &room).n, 0);
		buf_fini(&stored);
	}
	/* what an older version has stored */
	EXPECT_SLICE(vault_clear_head(k, S("POST / HTTP/1.1\r\n\r\n"), &room),
	    S("POST / HTTP/1.1\r\n\r\n"));
	buf_fini(&room);
	vault_free(k);
	rmdir(dir);
}

TEST(s23_what_is_not_harmless_is_hidden)
{
	static const struct {
		const char *field;
		bool secret;
	} rows[] = { { "Authorization", true }, { "Token", true }, { "X-Vault-Token", true },
		{ "Private-Token", true }, { "Job-Token", true }, { "X-Hub-Signature", true },
		{ "x-amz-security-token", true }, { "X-My-Own", true }, { "", true },
		{ "x-hook-password", true }, { "HOST", false }, { "User-Agent", false },
		{ "X-Event-Key", false }, { "X-GitHub-Event", false } };
	char *error = NULL;
	struct vault *k = open_keep(&error);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		EXPECT_INT(vault_is_secret(k, slice_str(rows[i].field)), rows[i].secret);
	vault_free(k);
	rmdir(dir);
}

int
main(int argc, char **argv)
{
	static const struct unit_test tests[] = { TEST_ROW(s23_the_key_is_made_once_and_is_private)
		    TEST_ROW(s23_a_key_that_others_may_read_or_that_is_none_is_refused)
			TEST_ROW(s23_every_head_is_sealed)
			    TEST_ROW(s23_what_is_not_harmless_is_hidden) };
	char path[64];
	int rc;

	if (mkdtemp(dir) == NULL)
		return 1;
	rc = unit_main(tests, sizeof(tests) / sizeof(*tests), argc > 1 ? argv[1] : NULL);
	key_path(path);
	unlink(path);
	rmdir(dir);
	return rc;
}
