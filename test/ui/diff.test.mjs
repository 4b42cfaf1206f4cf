// SPDX-License-Identifier: Apache-2.0
import test from "node:test";
import assert from "node:assert/strict";
import { parse } from "../../src/web/ui/lib/json.js";
import { byPath, headers, sentence, asText, volatilePath, volatileHeader } from "../../src/web/ui/lib/diff.js";
import { took, size, span, plural } from "../../src/web/ui/lib/time.js";

test("JSON by path: order of keys is nothing, arrays by position, numbers by their text", () => {
	const d = byPath(parse('{"a":1,"b":[1,2,3],"c":{"x":1},"same":true,"id":"1"}'), parse('{"id":"2","c":{"y":1},"b":[1,4],"a":1.0,"same":true}'));
	assert.deepEqual(d.changes.map((c) => [c.kind, c.path, c.a, c.b, c.volatile]), [
		["changed", "/a", "1", "1.0", false], ["changed", "/b/1", "2", "4", false], ["a", "/b/2", "3", null, false], ["a", "/c/x", "1", null, false], ["b", "/c/y", null, "1", false], ["changed", "/id", '"1"', '"2"', true]]);
	assert.equal(d.equalCount, 2);
	assert.equal(byPath(parse("[1]"), parse('{"a":1}')).changes[0].path, "/");
	assert.equal(byPath(parse('{"a":{}}'), parse('{"a":{}}')).changes.length, 0);
});

test("big numbers that a float cannot tell apart differ", () => {
	assert.equal(byPath(parse("[9007199254740993]"), parse("[9007199254740992]")).changes.length, 1);
});

test("headers as a set", () => {
	const d = headers([["Host", "a"], ["X-A", "1"], ["x-a", "2"], ["Date", "x"]], [["date", "y"], ["X-A", "1"], ["X-a", "2"], ["Host", "a"], ["New", "n"], ["Sig", "4c", true]]);
	assert.deepEqual(d.changes.map((c) => [c.kind, c.path, c.volatile]), [["changed", "Date", true], ["b", "New", false], ["b", "Sig", false]]);
	assert.equal(d.changes[2].b, "hidden, 4c");
	assert.equal(d.sameOrder, false);
});

test("what always changes", () => {
	for (const p of ["/a/id", "/push/changes/0/new/target/hash", "/created_at", "/updatedAt", "/actor/uuid", "/x/timestamp"]) assert.ok(volatilePath(p), p);
	for (const p of ["/name", "/valid", "/hidden", "/0", "/paid", "/state"]) assert.ok(!volatilePath(p), p);
	for (const h of ["Date", "X-Hub-Signature-256", "X-Request-UUID", "stripe-signature"]) assert.ok(volatileHeader(h), h);
	assert.ok(!volatileHeader("X-Event-Key"));
});

test("the sentence and the text", () => {
	const same = { name: "Body", changes: [], equalCount: 3 };
	assert.match(sentence([same]).head, /equal/);
	const one = { name: "Body", changes: [{ kind: "changed", path: "/push/0/name", a: "a", b: "b", volatile: false }], equalCount: 3 };
	assert.equal(sentence([one]).head, "One field differs: push name.");
	assert.match(sentence([{ ...one, changes: [{ ...one.changes[0], volatile: true }] }]).head, /always changes/);
	assert.equal(asText("t", [one]), "t\n\nBody\n  /push/0/name\n    - a\n    + b\n");
});

test("times and sizes", () => {
	assert.deepEqual([400, 1500, 31000, 75000000, -1].map(took), ["400 µs", "1.5 ms", "31 ms", "75 s", "runs"]);
	assert.deepEqual([0, 999, 2114, 999600, 11400000].map(size), ["0 B", "999 B", "2.1 kB", "1.0 MB", "11.4 MB"]);
	assert.deepEqual([500, 240000, 11520000, 90000000].map(span), ["1 s", "4 min", "3 h 12 min", "1 day"]);
	assert.equal(plural(1284, "request"), "1,284 requests");
});
