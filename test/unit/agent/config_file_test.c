/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/core/config_file.h"

#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];

static void
start(void)
{
	snprintf(folder, sizeof(folder), "/tmp/adit-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/adit/adit.yml", folder);
}

static void
stop(void)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	EXPECT_INT(rmdir(folder), 0); /* nothing else was left there */
}

static void
write_file(const char *text, mode_t mode)
{
	int fd;
	char *slash = strrchr(path, '/');

	*slash = '\0';
	mkdir(path, 0700);
	*slash = '/';
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    fchmod(fd, mode) != 0)
		abort();
	close(fd);
}

static struct slice
read_back(void)
{
	static char text[8192];
	FILE *f = fopen(path, "r");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text), f);

	if (f != NULL)
		fclose(f);
	return slice_of(text, n);
}

static void
save(const char *edge, const char *ca, const char *token)
{
	char *error = config_file_save_login(path, edge, ca, token);

	EXPECT(error == NULL);
	free(error);
}

TEST(login_makes_the_file)
{
	struct stat st;

	start();
	save("https://edge.example.org", NULL, "adit_abc");
	EXPECT_SLICE(read_back(), S("edge: \"https://edge.example.org\"\ntoken: \"adit_abc\"\n"));
	EXPECT_INT(stat(path, &st), 0);
	EXPECT_INT(st.st_mode & 07777, 0600);
	stop();
}

TEST(login_keeps_tunnels_and_comments)
{
	struct config c;
	char *error;

	start();
	write_file("# ours\n"
		   "edge: https://old.example.org # moved in May\n"
		   "token_file: /run/token\n"
		   "tunnels:\n"
		   "  edge:\n"
		   "    origin: 8080 # the CI\n"
		   "  token: {origin: 9090}\n"
		   "token:\n"
		   "  \"two\n"
		   "  lines\"\n"
		   "# end\n",
	    0644);
	save("https://new.example.org", "/etc/ca.pem", "adit_new");
	EXPECT_SLICE(read_back(), S("edge: \"https://new.example.org\"\n"
				    "ca: \"/etc/ca.pem\"\n"
				    "token: \"adit_new\"\n"
				    "# ours\n"
				    "tunnels:\n"
				    "  edge:\n"
				    "    origin: 8080 # the CI\n"
				    "  token: {origin: 9090}\n"
				    "# end\n"));
	error = config_file_read(path, &c, NULL);
	EXPECT(error == NULL);
	EXPECT_INT(c.n_tunnels, 2);
	EXPECT_SLICE(slice_str(c.token), S("adit_new"));
	config_fini(&c);
	stop();
}

TEST(login_does_not_guess)
{
	char *error;

	start();
	write_file("{edge: x, token: y}\n", 0600);
	error = config_file_save_login(path, "https://e", NULL, "t");
	EXPECT(error != NULL && strstr(error, "by hand") != NULL);
	free(error);
	EXPECT_SLICE(read_back(), S("{edge: x, token: y}\n"));
	write_file("edge: [\n", 0600);
	error = config_file_save_login(path, "https://e", NULL, "t");
	EXPECT(error != NULL);
	free(error);
	EXPECT_SLICE(read_back(), S("edge: [\n"));
	stop();
}

/* S-23: a token that others may read is refused; a file without one may be shared. */
TEST(s23_token_that_others_may_read)
{
	struct config c;
	char *error;

	start();
	write_file("token: adit_x\n", 0640);
	error = config_file_read(path, &c, NULL);
	EXPECT(error != NULL && strstr(error, "chmod 600") != NULL);
	EXPECT(error != NULL && strstr(error, "adit_x") == NULL);
	free(error);
	config_fini(&c);
	write_file("token_file: token\ntunnels: {}\n", 0644);
	error = config_file_read(path, &c, NULL);
	EXPECT(error == NULL);
	free(error);
	config_fini(&c);
	stop();
}

TEST(missing_file)
{
	struct config c;
	bool missing = false;
	char *error = config_file_read("/nonexistent/adit.yml", &c, &missing);

	EXPECT(error != NULL && missing);
	free(error);
	config_fini(&c);
}

TEST(token_files)
{
	char token[16], *error;

	start();
	write_file("adit_x\n", 0600);
	error = config_file_token(path, token, sizeof(token));
	EXPECT(error == NULL);
	EXPECT_SLICE(slice_str(token), S("adit_x"));
	write_file("adit_x\n", 0604);
	error = config_file_token(path, token, sizeof(token));
	EXPECT(error != NULL && strstr(error, "chmod 600") != NULL &&
	       strstr(error, "adit_x") == NULL);
	free(error);
	write_file("\n", 0600);
	error = config_file_token(path, token, sizeof(token));
	EXPECT(error != NULL && strstr(error, "holds no token") != NULL);
	free(error);
	write_file("a token that is longer than any\n", 0600);
	error = config_file_token(path, token, sizeof(token));
	EXPECT(error != NULL && strstr(error, "too long") != NULL);
	free(error);
	stop();
}

TEST(where_it_is)
{
	char found[128];

	setenv("XDG_CONFIG_HOME", "/xdg", 1);
	setenv("HOME", "/home/ann", 1);
	EXPECT(config_file_path(found, sizeof(found)));
	EXPECT_SLICE(slice_str(found), S("/xdg/adit/adit.yml"));
	setenv("XDG_CONFIG_HOME", "relative", 1); /* "must be absolute" says the standard */
	EXPECT(config_file_path(found, sizeof(found)));
	EXPECT_SLICE(slice_str(found), S("/home/ann/.config/adit/adit.yml"));
	unsetenv("XDG_CONFIG_HOME");
	EXPECT(!config_file_path(found, 10));
	unsetenv("HOME");
	EXPECT(!config_file_path(found, sizeof(found)));
}

/* A daemon's home is often one that is not there, and nobody makes it for us. */
TEST(the_folder_is_in_a_home_that_exists)
{
	char home[] = "/tmp/adit-home-XXXXXX";

	unsetenv("STATE_DIRECTORY");
	unsetenv("XDG_STATE_HOME");
	EXPECT(mkdtemp(home) != NULL);
	setenv("HOME", home, 1);
	EXPECT(config_state_folder(path, sizeof(path)) && strncmp(path, home, strlen(home)) == 0);
	EXPECT_INT(rmdir(home), 0);
	EXPECT(!config_state_folder(path, sizeof(path)));
	setenv("XDG_STATE_HOME", "/tmp/x", 1);
	EXPECT(config_state_folder(path, sizeof(path)));
	EXPECT_SLICE(slice_str(path), S("/tmp/x/adit"));
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/", 1);
}

TESTS(TEST_ROW(the_folder_is_in_a_home_that_exists) TEST_ROW(login_makes_the_file)
	TEST_ROW(login_keeps_tunnels_and_comments) TEST_ROW(login_does_not_guess)
	    TEST_ROW(s23_token_that_others_may_read) TEST_ROW(missing_file) TEST_ROW(token_files)
		TEST_ROW(where_it_is))
