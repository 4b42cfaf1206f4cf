// SPDX-License-Identifier: Apache-2.0
import test from "node:test";
import assert from "node:assert/strict";
import { parse, print, pretty, flatten, jqPart, JsonError, DEPTH_MAX } from "../../src/web/ui/lib/json.js";

const fault = (text) => {
	try {
		parse(text);
	} catch (e) {
		assert.ok(e instanceof JsonError);
		return e;
	}
	throw new assert.AssertionError({ message: `this was read: ${text}` });
};

test("numbers keep every digit", () => {
	for (const n of ["9007199254740993", "0.1000", "1e400", "-0", "12345678901234567890.123456789E-7"])
		assert.equal(print(parse(n)), n);
});

test("what JSON.parse reads is read the same", () => {
	const docs = ['{"a":[1,2,{"b":null}],"c":"\\u00e9\\n\\ud83d\\ude00","":{}}', "[]", '"x"', " true ", '{"a":{"a":{"a":[[[]]]}}}'];
	for (const d of docs) assert.deepEqual(JSON.parse(print(parse(d))), JSON.parse(d));
});

test("doubled keys and __proto__ stay, in their order", () => {
	assert.deepEqual(parse('{"a":1,"__proto__":2,"a":3}').keys.map((k) => [k.name, k.node.text]), [["a", "1"], ["__proto__", "2"], ["a", "3"]]);
});

test("an error has its place", () => {
	const e = fault('{"ref": "x",\n "commits": [1, 2,]\n}');
	assert.deepEqual([e.line, e.column, e.at], [2, 18, 30]);
	assert.match(e.what, /comma stands before/);
	assert.equal(fault("[1 2]").at, 3);
	assert.equal(fault('{"a":1} x').at, 8);
	assert.equal(fault('"abc').at, 0);
});

test("what is no JSON is refused", () => {
	for (const bad of ["", "{", "[1,", "01", "+1", ".5", "1.", "1e", "tru", "trueish", "'a'", '{a:1}', '{"a" 1}', '"\\x"', '"\\u12g4"', '"\t"', "NaN", "[1]]", "\u00a01", "1_000"]) fault(bad);
});

test("levels have an end", () => {
	const deep = "[".repeat(DEPTH_MAX + 2) + "]".repeat(DEPTH_MAX + 2);
	assert.match(fault(deep).what, /levels/);
	parse("[".repeat(DEPTH_MAX) + "]".repeat(DEPTH_MAX));
});

test("pretty and flatten", () => {
	assert.equal(pretty(parse('{"a":[1,{}],"b":"x"}')), '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "x"\n}');
	assert.deepEqual(flatten(parse('{"b":1,"a/c":[true,[]]}')), [["/a~1c/0", "true"], ["/a~1c/1", "[]"], ["/b", "1"]]);
	assert.equal(["push", 0, "full name"].map(jqPart).join(""), '.push[0]["full name"]');
	assert.equal(print(parse(`[${"1,".repeat(1000)}1]`), 20).length, 23);
});

test("it never dies otherwise: pieces of a document, and single bytes turned", () => {
	const doc = '{"a":[1,-2.5e3,"x\\n\\u00e9",{"b":null,"c":[true,false]}],"d":""}';
	for (let i = 0; i <= doc.length; i++)
		for (const cut of [doc.slice(0, i), doc.slice(i), doc.slice(0, i) + "\\" + doc.slice(i), doc.slice(0, i) + '"' + doc.slice(i + 1)]) {
			let ours = null;
			let theirs = null;
			try { ours = JSON.parse(print(parse(cut))); } catch (e) { assert.ok(e instanceof JsonError || e instanceof SyntaxError); ours = undefined; }
			try { theirs = JSON.parse(cut); } catch { theirs = undefined; }
			assert.deepEqual(ours, theirs, cut);
		}
});
