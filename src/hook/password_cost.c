/* SPDX-License-Identifier: Apache-2.0 */
/* The cost of a password hash, read from its parameters: crypt(5) and the text form of argon2. */
#include "hook/password_cost.h"

#include "base/limits.h"
#include "base/slice.h"

#include <stdio.h>

/* Cuts "NAME<number>END" off; false where something else stands there. */
static bool
cut_number(struct slice *s, struct slice name, char end, uint64_t *ret)
{
	struct slice rest = *s, number;

	if (!slice_starts(rest, name) || slice_find(rest, end) == SIZE_MAX)
		return false;
	rest = slice_from(rest, name.n);
	number = slice_cut(&rest, end);
	if (number.n == 0 || number.n > 10 || !slice_u64(number, ret))
		return false;
	*s = rest;
	return true;
}

/* [rounds=N$]salt$hash */
static bool
sha_ok(struct slice s, char *why, size_t cap)
{
	/* What SHA-crypt takes where none are written (U. Drepper's specification). */
	uint64_t rounds = 5000;

	if ((!slice_starts(s, S("rounds=")) || cut_number(&s, S("rounds="), '$', &rounds)) &&
	    rounds <= LIMIT_PASSWORD_SHA_ROUNDS)
		return true;
	snprintf(why, cap, "a SHA-256 or SHA-512 hash may have up to rounds=%d",
	    LIMIT_PASSWORD_SHA_ROUNDS);
	return false;
}

/* NN$salt and hash */
static bool
bcrypt_ok(struct slice s, char *why, size_t cap)
{
	uint64_t cost = 0;

	if (s.n > 3 && s.p[2] == '$' && slice_u64(slice_head(s, 2), &cost) && cost >= 4 &&
	    cost <= LIMIT_PASSWORD_BCRYPT_COST)
		return true;
	snprintf(why, cap, "a bcrypt hash may have a cost of 04 to %02d",
	    LIMIT_PASSWORD_BCRYPT_COST);
	return false;
}

/* A digit of crypt's base 64 as yescrypt writes small numbers, counted from 1; 0: none. */
static unsigned
yescrypt_digit(char c)
{
	static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? 0 : (unsigned)(at - digits) + 1;
}

/* jNr$salt$hash: 2^N blocks of 128 * r bytes; longer parameters are what nobody's tool writes. */
static bool
yescrypt_ok(struct slice s, char *why, size_t cap)
{
	unsigned n = s.n > 4 ? yescrypt_digit(s.p[1]) : 0, r = n > 0 ? yescrypt_digit(s.p[2]) : 0;

	if (s.n > 4 && s.p[0] == 'j' && s.p[3] == '$' && n > 0 && n <= 24 && r > 0 &&
	    ((uint64_t)r << n) / 8 <= LIMIT_PASSWORD_KIB)
		return true;
	snprintf(why, cap, "a yescrypt hash may take up to %d MiB: a cost of 1 to 7 for mkpasswd",
	    LIMIT_PASSWORD_KIB / 1024);
	return false;
}

/* v=19$m=KIB,t=PASSES,p=LANES$salt$hash */
static bool
argon2_ok(struct slice s, char *why, size_t cap)
{
	uint64_t version, kib, passes, lanes;

	if (cut_number(&s, S("v="), '$', &version) && cut_number(&s, S("m="), ',', &kib) &&
	    cut_number(&s, S("t="), ',', &passes) && cut_number(&s, S("p="), '$', &lanes) &&
	    kib <= LIMIT_PASSWORD_KIB && passes <= LIMIT_PASSWORD_PASSES &&
	    lanes <= LIMIT_PASSWORD_LANES)
		return true;
	snprintf(why, cap, "an argon2id hash may have up to m=%d, t=%d and p=%d",
	    LIMIT_PASSWORD_KIB, LIMIT_PASSWORD_PASSES, LIMIT_PASSWORD_LANES);
	return false;
}

static const struct {
	const char *prefix;
	bool (*ok)(struct slice rest, char *why, size_t cap);
} kinds[] = {
	{ "$2a$", bcrypt_ok },
	{ "$2b$", bcrypt_ok },
	{ "$2y$", bcrypt_ok },
	{ "$5$", sha_ok },
	{ "$6$", sha_ok },
	{ "$y$", yescrypt_ok },
	{ "$argon2id$", argon2_ok },
};

/*
 * A kind that is not in the table is refused, whatever crypt(3) of this machine could do with
 * it: its cost is not known.
 */
bool
password_cost_ok(const char *hash, char *why, size_t cap)
{
	struct slice s = slice_str(hash);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct slice prefix = slice_str(kinds[i].prefix);

		if (slice_starts(s, prefix))
			return kinds[i].ok(slice_from(s, prefix.n), why, cap);
	}
	snprintf(why, cap,
	    "must be name:hash with a hash of bcrypt, yescrypt, SHA-512 or argon2id; make one "
	    "with: adit passwd NAME");
	return false;
}
