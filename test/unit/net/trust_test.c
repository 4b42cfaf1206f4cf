/* SPDX-License-Identifier: Apache-2.0 */
#include "net/trust.h"

#include "unit.h"

#include <unistd.h>

TEST(the_first_that_can_be_read)
{
	static const char *const both[] = { "/nonexistent/a.pem", "/dev/null", "/proc/self/maps",
		NULL };
	static const char *const none[] = { "/nonexistent/a.pem", "/nonexistent/b.pem", NULL };

	EXPECT_SLICE(slice_str(trust_first(both)), S("/dev/null"));
	EXPECT(trust_first(none) == NULL);
}

/* Where somebody says what to trust, nothing else is trusted, even if it is not there. */
TEST(a_named_place_is_the_only_one)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	EXPECT(ctx != NULL);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	setenv("SSL_CERT_FILE", "/nonexistent/file.pem", 1);
	EXPECT(trust_system(ctx) == NULL);
	EXPECT_INT(sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx))), 0);
	unsetenv("SSL_CERT_DIR");
	unsetenv("SSL_CERT_FILE");
	SSL_CTX_free(ctx);
}

TESTS(TEST_ROW(the_first_that_can_be_read) TEST_ROW(a_named_place_is_the_only_one))
