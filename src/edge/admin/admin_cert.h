/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as `aditd cert` prints them. */
#ifndef ADIT_EDGE_ADMIN_ADMIN_CERT_H
#define ADIT_EDGE_ADMIN_ADMIN_CERT_H

#include <jansson.h>

/* Struct admin_command's show_row of "list", and show of "show". */
void admin_cert_row(const json_t *row);
void admin_cert_show(const json_t *answer);

#endif
