/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts and decodes paths, and knows types by names (file_path.h). */
#include "agent/builtin/file_path.h"

#include <strings.h>

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One name without its escapes; its length, or -1: an escape that is none, or makes what it must not. */
static ptrdiff_t
decode(struct slice s, char *dst)
{
	ptrdiff_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0' || c == '/')
			return -1;
		dst[n++] = c;
	}
	return n;
}

enum file_path_result
file_path(struct slice path, bool hidden, struct file_path *ret)
{
	char name[3 * FILE_NAME_BYTES];
	size_t at = 0;

	if (path.n == 0 || path.p[0] != '/')
		return FILE_PATH_BAD;
	ret->folder = path.p[path.n - 1] == '/';
	while (path.n > 0) {
		struct slice part = slice_cut(&path, '/');
		ptrdiff_t n;

		if (part.n == 0)
			continue;
		if (part.n > sizeof(name))
			return FILE_PATH_LONG;
		n = decode(part, name);
		if (n < 0)
			return FILE_PATH_BAD;
		if (n > FILE_NAME_BYTES)
			return FILE_PATH_LONG;
		if (n == 1 && name[0] == '.') {
			ret->folder = ret->folder || path.n == 0;
			continue;
		}
		if (n == 2 && name[0] == '.' && name[1] == '.')
			return FILE_PATH_BAD;
		if (name[0] == '.' && !hidden)
			return FILE_PATH_HIDDEN;
		if (at + (size_t)n + 2 > sizeof(ret->text))
			return FILE_PATH_LONG;
		if (at > 0)
			ret->text[at++] = '/';
		memcpy(ret->text + at, name, (size_t)n);
		at += (size_t)n;
	}
	if (at == 0)
		ret->text[at++] = '.';
	ret->text[at] = '\0';
	return FILE_PATH_OK;
}

const char *
file_type(const char *name)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{ "html", "text/html; charset=utf-8" },
		{ "htm", "text/html; charset=utf-8" },
		{ "css", "text/css; charset=utf-8" },
		{ "js", "text/javascript; charset=utf-8" },
		{ "mjs", "text/javascript; charset=utf-8" },
		{ "json", "application/json" },
		{ "map", "application/json" },
		{ "txt", "text/plain; charset=utf-8" },
		{ "log", "text/plain; charset=utf-8" },
		{ "md", "text/markdown; charset=utf-8" },
		{ "csv", "text/csv; charset=utf-8" },
		{ "xml", "application/xml" },
		{ "yml", "application/yaml" },
		{ "yaml", "application/yaml" },
		{ "svg", "image/svg+xml" },
		{ "png", "image/png" },
		{ "jpg", "image/jpeg" },
		{ "jpeg", "image/jpeg" },
		{ "gif", "image/gif" },
		{ "webp", "image/webp" },
		{ "avif", "image/avif" },
		{ "ico", "image/x-icon" },
		{ "pdf", "application/pdf" },
		{ "wasm", "application/wasm" },
		{ "zip", "application/zip" },
		{ "gz", "application/gzip" },
		{ "mp4", "video/mp4" },
		{ "webm", "video/webm" },
		{ "mp3", "audio/mpeg" },
		{ "ogg", "audio/ogg" },
		{ "wav", "audio/wav" },
		{ "woff", "font/woff" },
		{ "woff2", "font/woff2" },
		{ "ttf", "font/ttf" },
		{ "otf", "font/otf" },
	};
	const char *slash = strrchr(name, '/'), *dot = strrchr(slash != NULL ? slash : name, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(*types); i++)
		if (strcasecmp(dot + 1, types[i].end) == 0)
			return types[i].type;
	return "application/octet-stream";
}
