// SPDX-License-Identifier: Apache-2.0
import test from "node:test";
import assert from "node:assert/strict";
import { parse, format, matches, split, without, withField, complete, sinceMs } from "../../src/web/ui/lib/filter.js";

const row = { id: "7", at_ms: 1000000, state: "parked", status: 404, took_us: 18000, tunnel: "jenkins", method: "POST", path: "/bitbucket-hook/", host: "x", event: "repo:push",
	repository: "acme/web", branch: "main", from: "bitbucket", verdict: "ok", delivery: "8809", parent: null, code: "", kind: "http", flags: ["pinned"] };
const has = (q, r = row) => matches(parse(q), r, 1060000);

test("fields and words are told apart", () => {
	const q = parse('status:404 -branch:main event:repo:push "two words" -not http://x since: path:"/a b"');
	assert.deepEqual(q.fields, [{ field: "status", value: "404", not: false }, { field: "branch", value: "main", not: true }, { field: "event", value: "repo:push", not: false }, { field: "path", value: "/a b", not: false }]);
	assert.deepEqual(q.words, [{ text: "two words", not: false }, { text: "not", not: true }, { text: "http://x", not: false }]);
	assert.equal(q.faults.length, 1);
});

test("a filter is the same after it is written", () => {
	for (const t of ["status:404", '-branch:main "two words"', 'path:"/a b" x', "", "event:repo:push -x"]) assert.equal(format(parse(format(parse(t)))), format(parse(t)));
	assert.deepEqual(split('a  "b'), ["a", "b"]);
});

test("each field", () => {
	for (const q of ["status:404", "status:4xx", "state:parked", "method:post", "path:/bitbucket", "path:HOOK", "repo:acme/web", "repo:web", "branch:MAIN", "event:repo:push", "from:bitbucket", "tunnel:jenkins", "is:pinned",
		"is:needs-you", "verdict:ok", "kind:http", "delivery:8809", "since:1m", "-state:dead", "", "any words"])
		assert.ok(has(q), q);
	for (const q of ["status:40", "status:5xx", "state:dead", "repo:acme/we", "is:replay", "is:waiting", "since:10s", "-is:pinned", "branch:mai", "is:nonsense"]) assert.ok(!has(q), q);
	assert.ok(has("is:replay is:open", { ...row, parent: "3", took_us: -1 }));
	assert.equal(sinceMs("2h"), 7200000);
	assert.equal(sinceMs("2 weeks"), null);
});

test("changing one field", () => {
	assert.equal(without("is:replay x status:404", "is", "replay"), "status:404 x");
	assert.equal(withField("state:dead x", "state", "parked"), "state:parked x");
});

test("completion", () => {
	assert.deepEqual(complete("sta", {}).map((c) => c.text), ["status:", "state:"]);
	assert.deepEqual(complete("state:par", {}).map((c) => c.text), ["state:parked"]);
	assert.deepEqual(complete("repo:we", { repo: ["acme/web", "acme/billing"] }).map((c) => c.text), ["repo:acme/web"]);
	assert.deepEqual(complete("", {}), []);
});
