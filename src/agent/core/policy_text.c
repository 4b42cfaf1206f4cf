/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a policy's JSON of options and keys, and reads the files that they name. */
#include "agent/core/policy_text.h"

#include "agent/core/config_file.h"
#include "base/suggest.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/sentence.h"
#include "base/text.h"
#include "conf/file.h"
#include "hook/event.h"
#include "hook/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX 65536
/* Letters and digits: 190 bits, and no sign that a form or a shell would change. */
#define SECRET_CHARS 32

bool
policy_text_given(const struct policy_text *p)
{
	return p->preset != NULL || p->context != NULL || p->scheme != NULL ||
	       p->secret_files[0] != NULL || p->allow != NULL || p->deny != NULL ||
	       p->user_file != NULL || p->policy_file != NULL || p->body_max != NULL ||
	       p->rate != NULL || p->store || p->relay || p->coalesce || p->resign ||
	       p->unsigned_ok || p->fan_out != NULL || p->http2 != NULL;
}

void
policy_made_fini(struct policy_made *m)
{
	if (m->json != NULL)
		OPENSSL_cleanse(m->json, strlen(m->json));
	free(m->json);
	*m = (struct policy_made){ 0 };
}

/* --- files --- */

static char *
others_may_read(const char *path)
{
	return sentence("%s: others may read it, and it holds a secret: chmod 600 %s", path, path);
}

/* The whole of a file as text, for file_free(). NULL and a sentence. Nobody but its owner may write
 * it. *ret_others: as of file_read(). */
static char *
read_file(const char *path, struct slice *ret, mode_t *ret_others, char **ret_error)
{
	char *text = file_read(path, FILE_BYTES_MAX, ret, ret_others);

	if (text == NULL)
		*ret_error = sentence("%s: %s", path, strerror(errno));
	else if ((*ret_others & 022) != 0)
		*ret_error = sentence("%s: others may write it: chmod go-w %s", path, path);
	else if (slice_find(*ret, '\0') != SIZE_MAX)
		*ret_error = sentence("%s: is not a text file", path);
	else
		return text;
	file_free(text, *ret);
	return NULL;
}

/* The same of secrets and of hashes of passwords, which nobody else may read either. */
static char *
read_secrets(const char *path, struct slice *ret, char **ret_error)
{
	mode_t others = 0;
	char *text = read_file(path, ret, &others, ret_error);

	if (text == NULL || others == 0)
		return text;
	*ret_error = others_may_read(path);
	file_free(text, *ret);
	return NULL;
}

/* Appends the lines of a file of secrets to a list; empty lines are none. NULL, or a malloced
 * sentence; a file without a line is a mistake, since nothing would be checked. */
static char *
add_lines(json_t *list, const char *path)
{
	struct slice whole = S(""), rest;
	char *error = NULL, *text = read_secrets(path, &whole, &error);
	size_t before = json_array_size(list);

	check(json_is_array(list));
	if (text == NULL)
		return error;
	rest = whole;
	while (rest.n > 0) {
		struct slice line = slice_cut(&rest, '\n');

		if (slice_ends(line, S("\r")))
			line.n--;
		if (line.n > 0 && json_array_append_new(list, json_stringn(line.p, line.n)) != 0)
			error = sentence("%s: not UTF-8", path);
	}
	if (error == NULL && json_array_size(list) == before)
		error = sentence("%s: is empty", path);
	file_free(text, whole);
	return error;
}

/* --- a secret of our own --- */

/* Where the secret of a tunnel is kept, so that the next start finds it again: "secret-LABEL" in
 * the configuration's folder. NULL, or a malloced sentence. */
static char *
secret_path(const char *label, char *dst, size_t cap)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char name[64];
	char *slash;
	size_t i = 0;

	if (!config_file_path(dst, cap) || (slash = strrchr(dst, '/')) == NULL)
		return sentence(
		    "no place to keep a secret: neither XDG_CONFIG_HOME nor HOME is set; "
		    "give one by --secret-file FILE");
	/* A label may hold anything, slashes too: what is no plain name is hashed. */
	while (i < 40 && label[i] != '\0' &&
	       strchr("abcdefghijklmnopqrstuvwxyz0123456789-", label[i]) != NULL)
		i++;
	if (label[0] != '\0' && label[i] == '\0') {
		snprintf(name, sizeof(name), "%s", label);
	} else {
		SHA256((const unsigned char *)label, strlen(label), digest);
		text_hex(digest, 8, name);
	}
	*slash = '\0';
	if (strlen(dst) + strlen(name) + 9 > cap)
		return sentence("%s: the path is too long", dst);
	snprintf(slash, cap - (size_t)(slash - dst), "/secret-%s", name);
	return NULL;
}

/* Whole and on the disk, or not there; of two agents that start at once, one makes it: link()
 * does not replace, and both read what is there then. */
static char *
write_secret(const char *path)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	char text[SECRET_CHARS + 2], *error = NULL;
	char *fresh = sentence("%s.%ld", path, (long)getpid());
	int fd;

	file_make_folders(fresh);
	for (int i = 0; i < SECRET_CHARS; i++)
		text[i] = alphabet[rand_below(sizeof(alphabet) - 1)];
	text[SECRET_CHARS] = '\n';
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || write(fd, text, SECRET_CHARS + 1) != SECRET_CHARS + 1 || fsync(fd) != 0 ||
	    (link(fresh, path) != 0 && errno != EEXIST))
		error = sentence("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	(void)unlink(fresh);
	free(fresh);
	OPENSSL_cleanse(text, sizeof(text));
	return error;
}

/* The secret that an earlier start has made, or a new one; people are told where it is. */
static char *
own_secret(json_t *list, const char *label, struct policy_made *m)
{
	char *error = secret_path(label, m->secret, sizeof(m->secret));

	check(json_array_size(list) == 0); /* one is made only where none was given */
	if (error != NULL)
		return error;
	if (access(m->secret, F_OK) != 0) {
		error = write_secret(m->secret);
		m->fresh = true;
	}
	return error != NULL ? error : add_lines(list, m->secret);
}

/* --- the object --- */

static bool
holds_secrets(const json_t *o)
{
	return json_object_get(o, "secrets") != NULL || json_object_get(o, "users") != NULL;
}

/* The object of --policy, or an empty one. *ret is the caller's in either case. A file with
 * secrets in it must be readable by its owner alone. */
static char *
start_object(const struct policy_text *p, json_t **ret)
{
	char *error = NULL, *text;
	struct slice whole = S("");
	mode_t others = 0;
	json_error_t why;

	if (p->policy_file == NULL) {
		*ret = json_object();
		return NULL;
	}
	text = read_file(p->policy_file, &whole, &others, &error);
	if (text == NULL)
		return error;
	*ret = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	file_free(text, whole);
	if (*ret == NULL)
		return sentence("%s:%d:%d: %s", p->policy_file, why.line, why.column, why.text);
	if (!json_is_object(*ret))
		return sentence("%s: must be one JSON object", p->policy_file);
	if (others != 0 && holds_secrets(*ret))
		return others_may_read(p->policy_file);
	return NULL;
}

static char *
set_preset(json_t *o, const char *name)
{
	const struct preset *preset = preset_find(slice_str(name));
	const char *near;

	if (preset == NULL) {
		near = suggest(slice_str(name), presets, presets_n, sizeof(*presets));
		return near == NULL
			   ? sentence("--for %s: no such preset; adit help http lists them", name)
			   : sentence("--for %s: no such preset; did you mean %s?", name, near);
	}
	json_object_set_new(o, "preset", json_string(name));
	return NULL;
}

static char *
set_scheme(json_t *o, const char *name)
{
	char names[400];

	if (sign_find(slice_str(name)) == NULL) {
		sign_names(names, sizeof(names));
		return sentence("--scheme %s: no such scheme; there are: %s", name, names);
	}
	json_object_set_new(o, "scheme", json_string(name));
	return NULL;
}

static char *
set_number(json_t *o, const char *member, const char *option, const char *text)
{
	uint64_t n;

	if (!slice_u64(slice_str(text), &n) || n > INT32_MAX)
		return sentence("%s %s: a number is wanted", option, text);
	json_object_set_new(o, member, json_integer((json_int_t)n));
	return NULL;
}

static void
set_list(json_t *o, const char *member, const char *text)
{
	json_t *list = json_array();
	struct slice rest = slice_str(text);

	while (rest.n > 0) {
		struct slice item = slice_trim(slice_cut(&rest, ','));

		if (item.n > 0)
			json_array_append_new(list, json_stringn(item.p, item.n));
	}
	json_object_set_new(o, member, list);
}

/* Secrets that were given; they take the place of the file's. */
static char *
set_secrets(json_t *o, const struct policy_text *p, struct policy_made *m)
{
	json_t *list = json_array();
	char *error = NULL;

	for (size_t i = 0; i < POLICY_SECRET_FILES && error == NULL && p->secret_files[i] != NULL;
	     i++)
		error = add_lines(list, p->secret_files[i]);
	if (p->secret_files[0] != NULL && p->secret_files[1] == NULL)
		snprintf(m->secret, sizeof(m->secret), "%s", p->secret_files[0]);
	json_object_set_new(o, "secrets", list);
	return error;
}

/* Webhooks are not stored: then no signature is checked here, and no secret is needed. */
static bool
is_passing(json_t *o, const struct preset *preset)
{
	const char *mode = json_string_value(json_object_get(o, "mode"));

	return mode != NULL ? strcmp(mode, "pass") == 0
			    : preset == NULL || preset->mode == PRESET_PASS;
}

/* What a preset needs and nobody gave; and a signature is only looked at where the body is kept. */
static char *
complete(json_t *o, const char *label, struct policy_made *m)
{
	const char *name = json_string_value(json_object_get(o, "preset"));
	const struct preset *preset = name == NULL ? NULL : preset_find(slice_str(name));
	bool signs = json_object_get(o, "scheme") != NULL;
	json_t *list;

	if (signs && preset == NULL && json_object_get(o, "mode") == NULL) {
		json_object_set_new(o, "mode", json_string("store"));
		m->is_implied = true;
	}
	if (json_object_get(o, "secrets") != NULL || is_passing(o, preset) ||
	    (!signs && (preset == NULL || preset->scheme == NULL)))
		return NULL;
	if (signs && preset == NULL)
		return NULL; /* the edge's words on it are good */
	list = json_array();
	json_object_set_new(o, "secrets", list);
	return own_secret(list, label, m);
}

/* "/jenkins", also with a slash at its end. */
static char *
set_context(json_t *o, const char *text)
{
	struct slice s = slice_str(text);

	if (json_object_get(o, "preset") == NULL)
		return sentence("--context %s: says where the server of a preset lives: give "
				"--for PRESET, too",
		    text);
	while (slice_ends(s, S("/")))
		s.n--;
	json_object_set_new(o, "context", json_stringn(s.p, s.n));
	return NULL;
}

static char *
set_http2(json_t *o, const char *text)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return sentence("--http2 %s: on or off, nothing else", text);
	json_object_set_new(o, "http2", json_boolean(strcmp(text, "on") == 0));
	return NULL;
}

/* Options over what the file has. Whatever is made here, policy_new() judges it in the end as
 * the edge will; what is judged here is what needs words about options. */
static char *
fill_in(json_t *o, const struct policy_text *p, const char *label, struct policy_made *m)
{
	char *error = NULL;
	json_t *users;

	check(json_is_object(o));
	if (p->store && p->relay)
		return sentence("--store and --relay are two ways: give one of them");
	if (p->preset != NULL)
		error = set_preset(o, p->preset);
	if (error == NULL && p->context != NULL)
		error = set_context(o, p->context);
	if (p->store || p->relay)
		json_object_set_new(o, "mode", json_string(p->store ? "store" : "relay"));
	if (error == NULL && p->scheme != NULL)
		error = set_scheme(o, p->scheme);
	if (p->allow != NULL)
		set_list(o, "allow", p->allow);
	if (p->deny != NULL)
		set_list(o, "deny", p->deny);
	if (p->fan_out != NULL)
		set_list(o, "fan_out", p->fan_out);
	if (p->unsigned_ok)
		json_object_set_new(o, "unsigned", json_true());
	if (p->coalesce)
		json_object_set_new(o, "coalesce", json_true());
	if (p->resign)
		json_object_set_new(o, "resign", json_true());
	if (error == NULL && p->body_max != NULL)
		error = set_number(o, "body_max", "--body-max", p->body_max);
	if (error == NULL && p->http2 != NULL)
		error = set_http2(o, p->http2);
	if (error == NULL && p->rate != NULL)
		error = set_number(o, "rate", "--rate", p->rate);
	if (error == NULL && p->secret_files[0] != NULL)
		error = set_secrets(o, p, m);
	if (error == NULL && p->user_file != NULL) {
		users = json_array();
		json_object_set_new(o, "users", users);
		error = add_lines(users, p->user_file);
	}
	if (error == NULL && p->scheme != NULL && json_object_get(o, "preset") == NULL &&
	    json_array_size(json_object_get(o, "secrets")) == 0)
		error =
		    sentence("--scheme %s needs --secret-file FILE, or no signature can be checked",
			p->scheme);
	return error != NULL ? error : complete(o, label, m);
}

/* "jenkins-bitbucket", "gitlab-token": whose webhooks these are; NULL: nobody's that is known. */
static const char *
provider_of(const char *preset, const char *scheme)
{
	static const char *const words[] = {
#define X(symbol, word) word,
		EVENT_SENDERS(X)
#undef X
	};

	for (size_t i = EVENT_GENERIC + 1; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(scheme, words[i]) == scheme || strstr(preset, words[i]) != NULL)
			return words[i];
	return NULL;
}

/* What people are told: the edge's words for the mode, and what the preset wants at the sender. */
static void
describe(const struct policy *policy, struct policy_made *m)
{
	const struct preset *preset = policy->preset;

	check(m->json != NULL && m->path[0] == '\0');
	snprintf(m->mode, sizeof(m->mode), "%s", preset_mode_text(policy->mode));
	m->events = m->next = "";
	m->scheme = policy->sign.scheme == NULL ? NULL : policy->sign.scheme->name;
	m->provider =
	    provider_of(preset == NULL ? "" : preset->name, m->scheme == NULL ? "" : m->scheme);
	m->is_open = policy->mode != PRESET_PASS && preset == NULL && policy->sign.scheme == NULL;
	if (preset == NULL)
		return;
	snprintf(m->path, sizeof(m->path), "%.*s%s%s%s", PS(policy->context), preset->path,
	    preset->query != NULL ? "?" : "", preset->query != NULL ? preset->query : "");
	m->events = preset->events;
	m->next = preset->next;
}

/* Makes the text for HELLO, and tries it: a mistake is told before anything is dialled. */
static char *
finish(json_t *o, struct policy_made *m)
{
	char why[256];
	struct policy *policy;

	m->json = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	if (m->json == NULL)
		return sentence("out of memory");
	policy = policy_new(slice_str(m->json), why, sizeof(why));
	if (policy == NULL)
		return sentence("%s", why);
	describe(policy, m);
	if (m->is_open && !policy->unsigned_ok) {
		policy_unref(policy);
		return sentence(
		    "nothing says how the webhooks are signed: give --scheme NAME and "
		    "--secret-file FILE, or --unsigned to store whatever anybody sends");
	}
	policy_unref(policy);
	return NULL;
}

char *
policy_text_compose(const struct policy_text *p, const char *label, struct policy_made *ret)
{
	json_t *o = NULL;
	char *error;

	*ret = (struct policy_made){ .events = "", .next = "" };
	if (!policy_text_given(p))
		return NULL;
	error = start_object(p, &o);
	if (error == NULL)
		error = fill_in(o, p, label, ret);
	if (error == NULL)
		error = finish(o, ret);
	json_decref(o);
	if (error != NULL)
		policy_made_fini(ret);
	check((error == NULL) == (ret->json != NULL));
	return error;
}
