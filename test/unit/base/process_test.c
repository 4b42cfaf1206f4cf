/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include "base/clock.h"
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

TEST(what_this_process_uses)
{
	struct process_use a, b;
	double now_s = (double)clock_wall_ms() / 1000;
	int fd;

	process_use(&a);
	EXPECT(a.cpu_us > 0);
	EXPECT(a.resident_bytes > 100000);
	EXPECT(a.open_fds >= 3 && a.open_fds <= a.fds_max);
	EXPECT(a.start_s > now_s - 3600 && a.start_s < now_s + 1);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	process_use(&b);
	EXPECT_INT(b.open_fds, a.open_fds + 1);
	EXPECT(b.cpu_us >= a.cpu_us && b.start_s - a.start_s < 1 && a.start_s - b.start_s < 1);
	close(fd);
}

TESTS(TEST_ROW(what_this_process_uses))
