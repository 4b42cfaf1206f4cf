// SPDX-License-Identifier: Apache-2.0
// JSON read into a tree that keeps every number as it was written, the order of keys, and where each value stands.
// JSON.parse would round 9007199254740993 and lose doubled keys; an inspector may do neither.

export const DEPTH_MAX = 512;

export class JsonError extends Error {
	constructor(what, at, text) {
		const before = text.slice(0, at);
		const line = before.split("\n").length;
		const column = at - before.lastIndexOf("\n");
		super(`${what} (line ${line}, column ${column})`);
		this.what = what;
		this.at = at;
		this.line = line;
		this.column = column;
	}
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const WORDS = ["true", "false", "null"];

// A node: {type: "object"|"array"|"string"|"number"|"word", at, end} and
//   object: keys [{name, node}], array: items [node], string: value, number and word: text.
class Reader {
	constructor(text) {
		this.text = text;
		this.at = 0;
	}

	fail(what, at = this.at) {
		throw new JsonError(what, at, this.text);
	}

	space() {
		SPACE.lastIndex = this.at;
		SPACE.exec(this.text);
		this.at = SPACE.lastIndex;
	}

	value(depth) {
		if (depth > DEPTH_MAX) this.fail(`more than ${DEPTH_MAX} levels`);
		this.space();
		const c = this.text[this.at];
		if (c === undefined) this.fail("the text ends where a value should be");
		if (c === "{") return this.object(depth);
		if (c === "[") return this.array(depth);
		const at = this.at;
		if (c === '"') return { type: "string", at, value: this.string(), end: this.at };
		if (c === "-" || (c >= "0" && c <= "9")) return this.number();
		for (const word of WORDS)
			if (this.text.startsWith(word, at) && !/[A-Za-z0-9_]/.test(this.text[at + word.length] ?? "")) {
				this.at += word.length;
				return { type: "word", at, text: word, end: this.at };
			}
		return this.fail(c === "'" ? "strings stand in double quotes" : "no value begins like this");
	}

	number() {
		const at = this.at;
		NUMBER.lastIndex = at;
		const m = NUMBER.exec(this.text);
		if (!m) this.fail("no number");
		this.at = NUMBER.lastIndex;
		if (/[0-9A-Za-z_.+]/.test(this.text[this.at] ?? "")) this.fail("this is no number of JSON", at);
		return { type: "number", at, text: m[0], end: this.at };
	}

	string() {
		const begin = this.at;
		let out = "";
		this.at++;
		for (;;) {
			PLAIN.lastIndex = this.at;
			out += PLAIN.exec(this.text)[0];
			this.at = PLAIN.lastIndex;
			const c = this.text[this.at];
			if (c === '"') {
				this.at++;
				return out;
			}
			if (c === undefined) this.fail("a string has no end", begin);
			if (c !== "\\") this.fail("a control character stands in a string");
			out += this.escape();
		}
	}

	escape() {
		const e = this.text[this.at + 1];
		if (e === "u") {
			const hex = this.text.slice(this.at + 2, this.at + 6);
			if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.fail("\\u wants four hexadecimal digits");
			this.at += 6;
			return String.fromCharCode(parseInt(hex, 16));
		}
		const plain = ESCAPES[e];
		if (plain === undefined) this.fail("no such escape");
		this.at += 2;
		return plain;
	}

	array(depth) {
		const node = { type: "array", at: this.at, items: [], end: 0 };
		this.at++;
		this.space();
		if (this.text[this.at] !== "]")
			for (;;) {
				node.items.push(this.value(depth + 1));
				if (!this.goesOn("]")) break;
			}
		node.end = ++this.at;
		return node;
	}

	object(depth) {
		const node = { type: "object", at: this.at, keys: [], end: 0 };
		this.at++;
		this.space();
		if (this.text[this.at] !== "}")
			for (;;) {
				this.space();
				if (this.text[this.at] !== '"') this.fail("a key in double quotes should be here");
				const name = this.string();
				this.space();
				if (this.text[this.at] !== ":") this.fail("a colon should be here");
				this.at++;
				node.keys.push({ name, node: this.value(depth + 1) });
				if (!this.goesOn("}")) break;
			}
		node.end = ++this.at;
		return node;
	}

	// After a member: true where a comma leads to the next one.
	goesOn(end) {
		this.space();
		const c = this.text[this.at];
		if (c === end) return false;
		if (c === undefined) this.fail(`the text ends before its ${end}`);
		if (c !== ",") this.fail(`a comma or ${end} should be here`);
		const comma = this.at++;
		this.space();
		if (this.text[this.at] === end) this.fail(`a comma stands before ${end}`, comma);
		return true;
	}
}

export function parse(text) {
	const reader = new Reader(text);
	const node = reader.value(0);
	reader.space();
	if (reader.at !== text.length) reader.fail("something follows the value");
	return node;
}

export const pointerPart = (name) => String(name).replace(/~/g, "~0").replace(/\//g, "~1");

// A key of the path as people write it in a shell with jq: .push.changes[0]
export function jqPart(name) {
	if (typeof name === "number") return `[${name}]`;
	return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

// The value as JSON text on one line; cut: at most so many characters, and "..." behind them.
export function print(node, cut = Infinity) {
	let out = "";
	const walk = (n) => {
		if (out.length > cut) return;
		if (n.type === "string") out += JSON.stringify(n.value);
		else if (n.type === "object") {
			out += "{";
			n.keys.forEach((k, i) => {
				if (out.length > cut) return;
				out += `${i ? ", " : ""}${JSON.stringify(k.name)}: `;
				walk(k.node);
			});
			out += "}";
		} else if (n.type === "array") {
			out += "[";
			n.items.forEach((item, i) => {
				if (out.length > cut) return;
				if (i) out += ", ";
				walk(item);
			});
			out += "]";
		} else out += n.text;
	};
	walk(node);
	return out.length > cut ? out.slice(0, cut) + "..." : out;
}

export function pretty(node, pad = "") {
	const deeper = pad + "  ";
	if (node.type === "object" && node.keys.length)
		return `{\n${node.keys.map((k) => `${deeper}${JSON.stringify(k.name)}: ${pretty(k.node, deeper)}`).join(",\n")}\n${pad}}`;
	if (node.type === "array" && node.items.length)
		return `[\n${node.items.map((n) => deeper + pretty(n, deeper)).join(",\n")}\n${pad}]`;
	return print(node);
}

// Every leaf (and empty container) as [pointer, text], keys sorted: what two documents are compared by.
export function flatten(node, path = "", out = []) {
	if (node.type === "object" && node.keys.length) {
		const keys = [...node.keys].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
		for (const k of keys) flatten(k.node, `${path}/${pointerPart(k.name)}`, out);
	} else if (node.type === "array" && node.items.length)
		node.items.forEach((item, i) => flatten(item, `${path}/${i}`, out));
	else out.push([path, print(node)]);
	return out;
}
