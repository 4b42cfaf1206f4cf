/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the kernel what this process uses. */
#include "base/process.h"

#include "base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t
resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The folder lists itself, and the descriptor that it is read by. */
static uint64_t
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (d == NULL)
		return 0;
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += e->d_name[0] != '.';
	closedir(d);
	return n > 0 ? n - 1 : 0;
}

/* Field 22, in ticks since the machine was started; the name in field 2 may hold blanks. */
static double
start_s(void)
{
	FILE *f = fopen("/proc/self/stat", "re");
	char line[1024], *p;
	unsigned long long ticks = 0;
	struct timespec up;
	double ago;

	if (f == NULL)
		return 0;
	p = fgets(line, sizeof(line), f);
	fclose(f);
	p = p == NULL ? NULL : strrchr(line, ')');
	if (p == NULL ||
	    sscanf(p + 1,
		"%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		"%*s %llu",
		&ticks) != 1 ||
	    clock_gettime(CLOCK_BOOTTIME, &up) != 0)
		return 0;
	ago = (double)up.tv_sec + (double)up.tv_nsec / 1e9 -
	      (double)ticks / (double)sysconf(_SC_CLK_TCK);
	return (double)clock_wall_ms() / 1000 - ago;
}

void
process_use(struct process_use *ret)
{
	struct rusage u = { 0 };
	struct rlimit fds = { 0 };

	if (getrusage(RUSAGE_SELF, &u) != 0 || getrlimit(RLIMIT_NOFILE, &fds) != 0)
		check(!"both only fail for a bad argument");
	*ret = (struct process_use){
		.cpu_us = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) +
			  u.ru_utime.tv_usec + u.ru_stime.tv_usec,
		.resident_bytes = resident_bytes(),
		.open_fds = open_fds(),
		.fds_max = fds.rlim_cur,
		.start_s = start_s(),
	};
}
