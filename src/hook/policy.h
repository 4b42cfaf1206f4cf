/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy of a route: who may ask for what, and what happens with a webhook.  It is written as
 * one JSON object: by the agent in its HELLO, by the edge in its store, so that it holds while the
 * agent is away.  Its members are the rows of policy_keys; adit-policy(5) says what each means.
 *
 * Unknown members are errors: a protection that is spelled wrong must not silently be none.
 */
#ifndef ADIT_HOOK_POLICY_H
#define ADIT_HOOK_POLICY_H

#include "base/cidr.h"
#include "base/limits.h"
#include "hook/preset.h"
#include "hook/rates.h"
#include "hook/sign.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

struct policy_path {
	struct slice text;
	bool prefix; /* the '*' is taken off */
};

struct policy_user {
	struct slice name;
	char *hash; /* NUL-terminated */
};

/* Changes to a head: names to drop (set ones too), and lines to add, each with its CRLF. */
struct policy_headers {
	struct slice *drop;
	size_t n_drop;
	struct slice add;
};

struct policy {
	_Atomic unsigned refs;
	char *json;                  /* as given, for the store; holds secrets */
	const struct preset *preset; /* NULL: none */
	enum preset_mode mode;
	struct sign_params sign; /* sign.scheme NULL: not verified */
	struct slice context;
	struct slice *methods;
	size_t n_methods;
	struct policy_path *paths;
	size_t n_paths;
	struct cidr_set allow, deny;
	struct policy_user *users;
	size_t n_users;
	uint64_t body_max;                               /* 0: no limit but that of the mode */
	double rate, burst, visitor_rate, visitor_burst; /* 0: none */
	struct policy_headers request, response;
	bool coalesce, resign;
	bool http2;            /* spoken with visitors who offer it */
	bool unsigned_ok;      /* its owner has said that nobody signs */
	struct slice *fan_out; /* names of further tunnels */
	size_t n_fan_out;
	uint32_t skip_after, concurrency;
	double deliver_rate; /* deliveries a second, 0: none */
	/* private: slices point into these */
	void *root; /* json_t */
	struct slice *secrets;
	char *lines[2];
	/* Who came how often, and who was let in lately. It is the tunnel's, outlives its links and
	 * is shared by the workers. */
	pthread_mutex_t lock;
	struct rates_bucket bucket; /* of `rate` */
	struct rates visitors, guesses;
	struct policy_known *known; /* credentials as keyed hashes; NULL: none yet */
	unsigned known_at;
};

/* --- its members --- */

enum policy_kind { POLICY_TEXT, POLICY_NUMBER, POLICY_FLAG, POLICY_LIST, POLICY_OBJECT };

struct policy_reader;

/* By these rows a policy is read, and adit-policy(5) is tested. */
struct policy_key {
	const char *name; /* "deliver.rate" is the member rate of the object deliver */
	enum policy_kind kind;
	const char *standard; /* what holds without it */
	double max;           /* of a number, or how long a list is; 0: it has no such limit */
	const char *limits;   /* in words; NULL: as max says */
	void (*read)(struct policy_reader *r, json_t *j, const char *member);
};
extern const struct policy_key policy_keys[];
extern const size_t policy_keys_n;

const char *policy_kind_name(enum policy_kind kind);
/* "at most 8", "0 to 64", or the row's words. */
void policy_key_limits(const struct policy_key *k, char *dst, size_t cap);

/* NULL and a sentence in why (with the member's name). */
struct policy *policy_new(struct slice json, char *why, size_t cap) must_use;
struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy *p);

enum policy_verdict {
	POLICY_ALLOW,
	POLICY_ADDRESS,  /* 403 */
	POLICY_METHOD,   /* 405 */
	POLICY_PATH,     /* 403 */
	POLICY_SLASH,    /* 403: a preset's path without its slash: worth telling the owner */
	POLICY_PASSWORD, /* 401, unless the password turns out good */
};

/*
 * method, path: raw bytes, as routed. authorization: value of the one Authorization field, p
 * NULL when there is none. With users, POLICY_PASSWORD unless these credentials were good
 * lately: then see policy_password().
 */
enum policy_verdict policy_judge(struct policy *p, const struct sockaddr_storage *visitor,
    struct slice method, struct slice path, struct slice authorization, int64_t now_us) must_use;

/*
 * Whether a request of this method is a webhook, which is stored: not GET, HEAD, OPTIONS and TRACE,
 * which browsers and crawlers send, unless the policy or its preset names them.
 */
bool policy_stores(const struct policy *p, struct slice method);

/* The methods that the route takes, for Allow: "POST, GET"; the length, at most cap. */
size_t policy_methods(const struct policy *p, char *dst, size_t cap);

/*
 * True when the value of Authorization is Basic with a user's password.  Slow on purpose (up to
 * half a second): not on a worker's thread. The same time for an unknown user.
 */
bool policy_password(const struct policy *p, struct slice authorization) must_use;
/* These credentials were good: policy_judge() knows them for a while. */
void policy_remember(struct policy *p, struct slice authorization, int64_t now_us);
bool policy_knows(struct policy *p, struct slice authorization, int64_t now_us) must_use;

/* --- rates, from any thread. source: the visitor's address; NULL: he has none --- */

/* One request of p->rate and p->visitor_rate; false when there were too many. */
bool policy_take(struct policy *p, const unsigned char *source, int64_t now_us) must_use;
/* One guess of a password, before it is looked at; false when there were too many. */
bool policy_guess(struct policy *p, const unsigned char *source, int64_t now_us) must_use;
/* It was none: the password was right, or is being looked at already. */
void policy_no_guess(struct policy *p, const unsigned char *source);

#endif
