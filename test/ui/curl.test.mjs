// SPDX-License-Identifier: Apache-2.0
import test from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { quote, build, words, parse } from "../../src/web/ui/lib/curl.js";

const NASTY = ["", "plain", "it's", 'a"b', "$(id)", "`id`", "a\nb", "\x1b[31m", "\x07", "a\\b", "\\x41", "é\u202ex", "a\u200bb", "!!", "-x", "@file", "\t", "\r\nX: y", "tail\\"];

test("bash gives back exactly what was quoted", (t) => {
	if (spawnSync("bash", ["-c", ":"]).status !== 0) return t.skip("no bash");
	const script = NASTY.filter((n) => n !== "").map((n) => `printf '%s\\0' ${quote(n)}`).join("\n");
	const out = spawnSync("bash", ["-c", script], { env: { LC_ALL: "C.UTF-8", PATH: process.env.PATH } });
	assert.deepEqual(out.stdout.toString().split("\0").slice(0, -1), NASTY.filter((n) => n !== ""));
	return undefined;
});

test("no control byte and no hidden letter stands in a command", () => {
	const text = build({ method: "POST\x1b", url: "http://x/\n", headers: [["A\x07", "b\u202e"], ["Host", "no"], ["X-Empty", ""], ["Secret", "1f", true]], body: NASTY.join("") });
	assert.doesNotMatch(text.replace(/ \\\n {2}/g, " "), /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/);
	assert.doesNotMatch(text, /Host/);
	assert.match(text, /X-Empty;/);
	assert.match(text, /Secret: HIDDEN/);
});

test("words as a shell has them", () => {
	assert.deepEqual(words("a 'b c' \"d \\\" $x\" e\\ f $'g\\n\\x41\\u00e9' \\\n  h''"), ["a", "b c", 'd " $x', "e f", "g\nA\u00e9", "h"]);
	for (const bad of ["'a", '"a', "$'a"]) assert.throws(() => words(bad), /no end/);
});

test("what was built is read again", () => {
	const r = { method: "PUT", url: "https://x.example/a?b=c&d='e'", headers: [["Content-Type", "text/plain"], ["X-A", "it's \x1b"]], body: "line 1\nline 2 'q' \\ \u202e" };
	const back = parse(build(r));
	assert.deepEqual([back.method, back.url, back.headers, back.body, back.notes], [r.method, r.url, r.headers, r.body, []]);
});

test("commands from elsewhere", () => {
	const chrome = parse("curl 'https://x/y' \\\n  -H 'accept: */*' \\\n  --data-raw '{\"a\":1}' \\\n  --compressed");
	assert.deepEqual([chrome.method, chrome.body, chrome.headers[1]], ["POST", '{"a":1}', ["Content-Type", "application/x-www-form-urlencoded"]]);
	assert.deepEqual(parse("$ curl -XDELETE http://x -u a:b").headers, [["Authorization", "Basic YTpi"]]);
	assert.equal(parse("curl -G -d a=1 -d b=2 http://x/?c").url, "http://x/?c&a=1&b=2");
	assert.deepEqual(parse("curl --json '{}' x").headers.map(([n]) => n), ["Content-Type", "Accept"]);
	assert.match(parse("curl -d @secret -o /etc/passwd http://x").notes.join(), /cannot be read.*-o \/etc\/passwd/s);
	assert.equal(parse("curl http://x").method, "GET");
	for (const bad of ["wget http://x", "", "curl -H 'a: b'", "rm -rf /"]) assert.throws(() => parse(bad));
});
