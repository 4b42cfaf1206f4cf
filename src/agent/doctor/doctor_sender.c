/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends the webhooks of the tunnel, as its scheme or preset tells: rows of
 * the doctor name him. */
#include "agent/doctor/doctor_private.h"

#include "hook/sign.h"

#include <stdio.h>

/* Of the policy, else what the preset's plugin expects: two of them check themselves, so their
 * preset has no scheme of the edge's. */
static const char *
scheme_of(const struct doctor *d)
{
	const char *scheme = doctor_text_of(d->policy, "scheme");

	if (scheme[0] != '\0' || d->preset == NULL)
		return scheme;
	if (strcmp(d->preset->name, "jenkins-github") == 0)
		return "github";
	if (strcmp(d->preset->name, "jenkins-gitlab") == 0)
		return "gitlab-token";
	return d->preset->scheme != NULL ? d->preset->scheme : "";
}

/*
 * The first word of what the scheme is called ("GitLab, secret token"); dst_default
 * where there is none, since Bitbucket is whom this program is for. Two schemes are
 * everybody's and name nobody.
 */
static void
name_of(const struct doctor *d, const char *dst_default, char dst[40])
{
	const struct sign_scheme *s = sign_find(slice_str(scheme_of(d)));
	size_t n;

	if (s == NULL || strcmp(s->name, "bitbucket") == 0) {
		snprintf(dst, 40, "%s", dst_default);
		return;
	}
	if (strcmp(s->name, "hmac") == 0 || strcmp(s->name, "standard-webhooks") == 0) {
		snprintf(dst, 40, "the sender");
		return;
	}
	n = strcspn(s->title, ",");
	snprintf(dst, 40, "%.*s", n < 39 ? (int)n : 39, s->title);
}

bool
doctor_is_bitbucket(const struct doctor *d)
{
	char name[40];

	name_of(d, "Bitbucket", name);
	return strcmp(name, "Bitbucket") == 0;
}

size_t
doctor_sender_values(struct doctor *d, struct doctor_value *values)
{
	const char *patience = d->options->patience != NULL ? d->options->patience : "10";
	bool bitbucket;

	name_of(d, "Bitbucket", d->sender);
	bitbucket = strcmp(d->sender, "Bitbucket") == 0;
	if (bitbucket)
		snprintf(d->refuses, sizeof(d->refuses), "Bitbucket Cloud answers 'Invalid URL'");
	else
		snprintf(d->refuses, sizeof(d->refuses), "%s cannot reach it", d->sender);
	values[0] = (struct doctor_value){ "sender", slice_str(d->sender) };
	values[1] = (struct doctor_value){ "refuses", slice_str(d->refuses) };
	values[2] = (struct doctor_value){ "event",
		slice_str(bitbucket ? "'Repository push'" : "the event that you want") };
	values[3] = (struct doctor_value){ "patience", slice_str(patience) };
	return 4;
}
