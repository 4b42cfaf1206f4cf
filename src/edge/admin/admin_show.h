/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a running edge as people see them, on standard output. */
#ifndef ADIT_EDGE_ADMIN_ADMIN_SHOW_H
#define ADIT_EDGE_ADMIN_ADMIN_SHOW_H

#include <jansson.h>

/* A member that is a text; "" where there is none. */
const char *admin_text_at(const json_t *row, const char *key);

/* Struct admin_command's show_row. */
void admin_show_token(const json_t *row);
void admin_show_name(const json_t *row);
void admin_show_domain(const json_t *row);
void admin_show_limit(const json_t *row);
void admin_show_tunnel(const json_t *row);
void admin_show_refused(const json_t *row);
void admin_show_audit(const json_t *row);
void admin_show_line(const json_t *row);
void admin_show_setting(const json_t *row);
void admin_show_session(const json_t *row);

/* Struct admin_command's show. */
void admin_show_status(const json_t *answer);
void admin_show_overview(const json_t *answer);
void admin_show_link(const json_t *answer);
void admin_show_metrics(const json_t *answer);
void admin_show_added(const json_t *answer);
void admin_show_name_held(const json_t *answer);
void admin_show_name_disabled(const json_t *answer);
void admin_show_name_enabled(const json_t *answer);
void admin_show_text(const json_t *answer);

#endif
