/* SPDX-License-Identifier: Apache-2.0 */
#include "http/exposition.h"

#include "unit.h"

static struct buf out;
static struct exposition e;

static const struct exposition_family requests = { "adit_requests", EXPOSITION_COUNTER, "",
	"Requests." };
static const struct exposition_family took = { "adit_took_seconds", EXPOSITION_HISTOGRAM, "seconds",
	"Time." };
static const struct exposition_family build = { "adit_build", EXPOSITION_INFO, "", "Program." };

static void
write_all(enum exposition_format format)
{
	static const int64_t bounds[] = { 1000, 2500, 1000000 };
	static const uint64_t counts[] = { 2, 0, 3, 1 };
	struct exposition_label class = { "code_class", S("2xx") };
	struct exposition_label odd = { "version", S("a\"b\\c\nd") };

	buf_init(&out, 4096);
	exposition_begin(&e, &out, format);
	exposition_family(&e, &requests);
	exposition_count(&e, &class, 1, UINT64_MAX);
	exposition_family(&e, &took);
	exposition_histogram(&e, NULL, 0, bounds, counts, 3, 4500000);
	exposition_family(&e, &build);
	exposition_count(&e, &odd, 1, 1);
	exposition_end(&e);
}

TEST(prometheus_text)
{
	write_all(EXPOSITION_PROMETHEUS);
	EXPECT_SLICE(buf_slice(&out),
	    S("# HELP adit_requests_total Requests.\n# TYPE adit_requests_total counter\n"
	      "adit_requests_total{code_class=\"2xx\"} 18446744073709551615\n"
	      "# HELP adit_took_seconds Time.\n# TYPE adit_took_seconds histogram\n"
	      "adit_took_seconds_bucket{le=\"0.001\"} 2\n"
	      "adit_took_seconds_bucket{le=\"0.0025\"} 2\n"
	      "adit_took_seconds_bucket{le=\"1.0\"} 5\n"
	      "adit_took_seconds_bucket{le=\"+Inf\"} 6\n"
	      "adit_took_seconds_sum 4.5\nadit_took_seconds_count 6\n"
	      "# HELP adit_build_info Program.\n# TYPE adit_build_info gauge\n"
	      "adit_build_info{version=\"a\\\"b\\\\c\\nd\"} 1\n"));
	buf_fini(&out);
}

TEST(openmetrics_text)
{
	write_all(EXPOSITION_OPENMETRICS);
	EXPECT_SLICE(buf_slice(&out),
	    S("# HELP adit_requests Requests.\n# TYPE adit_requests counter\n"
	      "adit_requests_total{code_class=\"2xx\"} 18446744073709551615\n"
	      "# HELP adit_took_seconds Time.\n# TYPE adit_took_seconds histogram\n"
	      "# UNIT adit_took_seconds seconds\n"
	      "adit_took_seconds_bucket{le=\"0.001\"} 2\n"
	      "adit_took_seconds_bucket{le=\"0.0025\"} 2\n"
	      "adit_took_seconds_bucket{le=\"1.0\"} 5\n"
	      "adit_took_seconds_bucket{le=\"+Inf\"} 6\n"
	      "adit_took_seconds_sum 4.5\nadit_took_seconds_count 6\n"
	      "# HELP adit_build Program.\n# TYPE adit_build info\n"
	      "adit_build_info{version=\"a\\\"b\\\\c\\nd\"} 1\n"
	      "# EOF\n"));
	buf_fini(&out);
}

TEST(numbers_keep_their_digits)
{
	static const struct exposition_family f = { "adit_end_seconds", EXPOSITION_GAUGE, "seconds",
		"E." };

	buf_init(&out, 4096);
	exposition_begin(&e, &out, EXPOSITION_PROMETHEUS);
	exposition_family(&e, &f);
	exposition_number(&e, NULL, 0, 1795000000.123);
	EXPECT(slice_ends(buf_slice(&out), S("adit_end_seconds 1795000000.123\n")));
	buf_fini(&out);
}

TEST(the_format_is_the_scrapers_choice)
{
	EXPECT_INT(exposition_accept(S("")), EXPOSITION_PROMETHEUS);
	EXPECT_INT(exposition_accept(S("*/*")), EXPOSITION_PROMETHEUS);
	EXPECT_INT(exposition_accept(S("text/plain;version=0.0.4;q=0.5,*/*;q=0.1")),
	    EXPOSITION_PROMETHEUS);
	EXPECT_INT(exposition_accept(
		       S("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3")),
	    EXPOSITION_OPENMETRICS);
	EXPECT_INT(exposition_accept(S("text/html , Application/OpenMetrics-Text")),
	    EXPOSITION_OPENMETRICS);
	EXPECT_INT(exposition_accept(S(",;,")), EXPOSITION_PROMETHEUS);
}

TESTS(TEST_ROW(prometheus_text) TEST_ROW(openmetrics_text) TEST_ROW(numbers_keep_their_digits)
	TEST_ROW(the_format_is_the_scrapers_choice))
