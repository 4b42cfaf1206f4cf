/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions that are always on, for our own bugs only.  Nothing that a visitor,
 * agent, origin or control client sends may ever decide one (STYLE: three kinds
 * of errors).
 */
#ifndef ADIT_BASE_CHECK_H
#define ADIT_BASE_CHECK_H

#include <stdnoreturn.h>

noreturn void check_failed(const char *file, int line, const char *func, const char *what);

#define check(cond)                                                                                \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			check_failed(__FILE__, __LINE__, __func__, #cond);                         \
	} while (0)

/* The compiler warns where the result is dropped: for whatever can fail or must be freed. */
#define must_use __attribute__((warn_unused_result))
/*
 * f: number of the argument that is the format; a: of the first one that it speaks of,
 * 0: a va_list.
 */
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* For large locals of the hot path, which -ftrivial-auto-var-init would clear at each call. */
#if __has_attribute(uninitialized)
#define UNCLEARED __attribute__((uninitialized))
#else
#define UNCLEARED
#endif

#endif
