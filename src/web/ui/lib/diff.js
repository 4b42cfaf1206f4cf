// SPDX-License-Identifier: Apache-2.0
// What differs between two requests: JSON by path, headers as a set, the rest by lines. What changes with every
// request anyway (dates, ids, signatures) is marked, so that pages can fold it.

import { print, pointerPart } from "./json.js";

export const CHANGES_MAX = 5000;

const VOLATILE_HEADERS = /^(date|age|content-length|etag|cf-ray|traceparent|tracestate|x-request-(uuid|id)|x-hub-signature(-256)?|x-hook-uuid|x-github-delivery|x-gitlab-event-uuid|x-gitea-delivery|x-gitea-signature|x-amzn-trace-id|stripe-signature|webhook-(id|timestamp|signature)|x-slack-(signature|request-timestamp)|adit-(delivery|attempt|signature)|x-signature.*)$/i;
const VOLATILE_KEYS = /^(id|uuid|guid|hash|sha|etag|nonce|token|signature|timestamp|date|time|created|updated|.*_(id|uuid|hash|sha|at|on|date|time|timestamp)|.*(Id|Uuid|Hash|At|Date|Time|Timestamp))$/;

export const volatileHeader = (name) => VOLATILE_HEADERS.test(name);

// The last name of the pointer decides; numbers of an array are no names.
export function volatilePath(path) {
	const parts = path.split("/").filter((p) => !/^\d+$/.test(p));
	return VOLATILE_KEYS.test(parts[parts.length - 1] ?? "");
}

const leaf = (n) => !(n.type === "object" ? n.keys.length : n.type === "array" ? n.items.length : 0);

// Numbers are equal where their text is: 1.0 and 1 are told apart, as a signature tells them apart.
function same(a, b) {
	if (a.type !== b.type) return false;
	if (a.type === "string") return a.value === b.value;
	return a.text === b.text;
}

function count(node) {
	if (node.type === "object") return node.keys.reduce((n, k) => n + count(k.node), 0) || 1;
	if (node.type === "array") return node.items.reduce((n, i) => n + count(i), 0) || 1;
	return 1;
}

// {changes: [{kind: "changed"|"a"|"b", path, a, b, volatile}], equal: [{path, a}], cut}
export function byPath(a, b) {
	const out = { changes: [], equal: [], equalCount: 0, cut: false };
	const add = (kind, path, x, y) => {
		if (out.changes.length >= CHANGES_MAX) {
			out.cut = true;
			return;
		}
		out.changes.push({ kind, path: path || "/", a: x ? print(x, 600) : null, b: y ? print(y, 600) : null, volatile: volatilePath(path) });
	};
	const walk = (x, y, path) => {
		if (x.type === "object" && y.type === "object") return members(x, y, path);
		if (x.type === "array" && y.type === "array") return items(x, y, path);
		if (leaf(x) && leaf(y) && same(x, y)) {
			out.equalCount += count(x);
			if (out.equal.length < CHANGES_MAX) out.equal.push({ kind: "equal", path: path || "/", a: print(x, 600), b: print(y, 600) });
			return undefined;
		}
		return add("changed", path, x, y);
	};
	const members = (x, y, path) => {
		const names = new Set([...x.keys, ...y.keys].map((k) => k.name));
		for (const name of [...names].sort()) {
			const p = `${path}/${pointerPart(name)}`;
			const xs = x.keys.filter((k) => k.name === name);
			const ys = y.keys.filter((k) => k.name === name);
			for (let i = 0; i < Math.max(xs.length, ys.length); i++) {
				if (xs[i] && ys[i]) walk(xs[i].node, ys[i].node, p);
				else add(xs[i] ? "a" : "b", p, xs[i]?.node, ys[i]?.node);
			}
		}
	};
	const items = (x, y, path) => {
		for (let i = 0; i < Math.max(x.items.length, y.items.length); i++) {
			if (x.items[i] && y.items[i]) walk(x.items[i], y.items[i], `${path}/${i}`);
			else add(x.items[i] ? "a" : "b", `${path}/${i}`, x.items[i], y.items[i]);
		}
	};
	walk(a, b, "");
	return out;
}

// Headers as a set: names without case, values of one name in their order.
export function headers(a, b) {
	const out = { changes: [], equal: [], equalCount: 0, sameOrder: true };
	const group = (list) => {
		const map = new Map();
		for (const [name, value, hidden] of list) {
			const key = name.toLowerCase();
			if (!map.has(key)) map.set(key, { name, values: [] });
			map.get(key).values.push(hidden ? (value ? `hidden, ${value}` : "hidden") : value);
		}
		return map;
	};
	const x = group(a);
	const y = group(b);
	out.sameOrder = a.map(([n]) => n.toLowerCase()).filter((n) => y.has(n)).join() === b.map(([n]) => n.toLowerCase()).filter((n) => x.has(n)).join();
	for (const key of [...new Set([...x.keys(), ...y.keys()])].sort()) {
		const p = x.get(key);
		const q = y.get(key);
		const change = { path: (p ?? q).name, a: p ? p.values.join(", ") : null, b: q ? q.values.join(", ") : null, volatile: volatileHeader(key) };
		if (p && q && change.a === change.b) {
			out.equal.push({ kind: "equal", ...change });
			out.equalCount++;
		} else out.changes.push({ kind: p && q ? "changed" : p ? "a" : "b", ...change });
	}
	return out;
}

// A sentence about the difference, for the head of the page.
export function sentence(parts) {
	const all = parts.flatMap((p) => p.changes);
	const loud = all.filter((c) => !c.volatile).sort((a, b) => b.path.startsWith("/") - a.path.startsWith("/"));
	const equal = parts.reduce((n, p) => n + p.equalCount, 0);
	const fields = (n) => (n === 1 ? "1 field" : `${n.toLocaleString("en")} fields`);
	if (!all.length) return { head: "They are equal.", rest: `All ${fields(equal)} are the same in both.` };
	if (!loud.length)
		return { head: "Only what always changes differs.", rest: `${fields(all.length)} with dates, ids or signatures; ${fields(equal)} are equal.` };
	const names = loud.slice(0, 2).map((c) => c.path.split("/").filter((p) => p && !/^\d+$/.test(p)).slice(-2).join(" ") || c.path);
	const rest = loud.length > names.length ? ` and ${loud.length - names.length} more` : "";
	return { head: `${loud.length === 1 ? "One field differs" : `${fields(loud.length)} differ`}: ${names.join(", ")}${rest}.`,
		rest: `${fields(all.length - loud.length)} that always change, ${fields(equal)} equal.` };
}

// The difference as plain text, for a ticket.
export function asText(title, parts) {
	const out = [title, ""];
	for (const part of parts) {
		out.push(part.name);
		for (const c of part.changes) {
			out.push(`  ${c.path}${c.volatile ? "  (always changes)" : ""}`);
			if (c.a !== null) out.push(`    - ${c.a}`);
			if (c.b !== null) out.push(`    + ${c.b}`);
		}
		if (!part.changes.length) out.push("  equal");
		out.push("");
	}
	return out.join("\n");
}
