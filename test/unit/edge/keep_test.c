/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/keep.h"

#include "edge/settings.h"
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/adit-keep-XXXXXX";

static struct keep *
open_keep(char **error)
{
	struct settings *s = settings_new();
	struct keep *k;

	snprintf(s->state_dir, sizeof(s->state_dir), "%s", dir);
	snprintf(s->inbox.hide[s->inbox.n_hide++], sizeof(s->inbox.hide[0]), "X-Hook-Password");
	k = keep_open(s, error);
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
	struct keep *k = open_keep(&error), *again = open_keep(&error);
	struct stat st;
	struct buf b;

	key_path(path);
	EXPECT(k != NULL && again != NULL);
	EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600 && st.st_size == 32);
	buf_init(&b, 256);
	keep_seal(k, S("web"), S("{\"secrets\":[]}"), &b);
	EXPECT(!b.failed && b.n == 14 + 29);
	EXPECT_INT(keep_unseal(again, S("web"), buf_slice(&b), opened), 14);
	EXPECT_SLICE(slice_of(opened, 14), S("{\"secrets\":[]}"));
	EXPECT_INT(keep_unseal(again, S("other"), buf_slice(&b), opened), -1);
	buf_fini(&b);
	keep_free(k);
	keep_free(again);
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

TEST(s23_a_head_with_a_credential_is_sealed)
{
	static const struct {
		const char *head;
		bool sealed;
	} rows[] = {
		{ "POST / HTTP/1.1\r\nHost: a\r\nX-Hub-Signature: sha256=00\r\n\r\n", false },
		{ "POST / HTTP/1.1\r\nHost: a\r\nAUTHORIZATION: Basic x\r\n\r\n", true },
		{ "POST / HTTP/1.1\r\nCookie:x\r\n\r\n", true },
		{ "POST / HTTP/1.1\r\nX-Gitlab-Token: x\r\n\r\n", true },
		{ "POST / HTTP/1.1\r\nx-hook-password: x\r\n\r\n", true },
		{ "POST / HTTP/1.1\r\nX-Authorization: x\r\n\r\n", false },
	};
	char *error = NULL;
	struct keep *k = open_keep(&error);
	struct buf stored, room;

	buf_init(&room, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct slice head = slice_str(rows[i].head);

		buf_init(&stored, 4096);
		keep_head(k, head, &stored);
		EXPECT(slice_eq(buf_slice(&stored), head) != rows[i].sealed);
		EXPECT_SLICE(keep_clear_head(k, buf_slice(&stored), &room), head);
		if (rows[i].sealed) {
			stored.p[stored.n - 1] ^= 1;
			EXPECT_INT(keep_clear_head(k, buf_slice(&stored), &room).n, 0);
		}
		buf_fini(&stored);
	}
	buf_fini(&room);
	keep_free(k);
	rmdir(dir);
}

int
main(int argc, char **argv)
{
	static const struct unit_test tests[] = { TEST_ROW(s23_the_key_is_made_once_and_is_private)
		    TEST_ROW(s23_a_key_that_others_may_read_or_that_is_none_is_refused)
			TEST_ROW(s23_a_head_with_a_credential_is_sealed) };
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
