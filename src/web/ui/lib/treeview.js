// SPDX-License-Identifier: Apache-2.0
// JSON as a tree: folds, copies paths, finds, and never draws more than was opened.

import { useState, useMemo } from "../vendor/vendor.js";
import { html, Copy } from "./ui.js";
import { flatten, jqPart } from "./json.js";
import { visible } from "./text.js";

const CHUNK = 100;
const OPEN_AT_FIRST = 60;
const OPEN_ALL = 3000;
const TOOLS_FROM = 24;
const DEEP = 24;
const STRING_MAX = 4000;
const FOUND_MAX = 200;

const inside = (node) => (node.type === "object" ? node.keys.map((k) => [k.name, k.node]) : node.type === "array" ? node.items.map((n, i) => [i, n]) : []);
const size = (node) => (node.type === "object" ? node.keys.length : node.items.length);

function words(node) {
	const n = size(node);
	return node.type === "object" ? `${n} ${n === 1 ? "field" : "fields"}` : `${n} ${n === 1 ? "item" : "items"}`;
}

// How many levels are open at first: as many as keep the tree at a glance.
function depthFor(root, budget) {
	let level = [root];
	let seen = 0;
	for (let depth = 0; depth < DEEP; depth++) {
		seen += level.length;
		if (seen > budget) return depth - 1;
		level = level.flatMap((n) => inside(n).slice(0, CHUNK).map(([, v]) => v));
		if (level.length > budget * 4) return depth;
		if (!level.length) return DEEP;
	}
	return DEEP;
}

function Value({ node }) {
	const [whole, setWhole] = useState(false);
	if (node.type === "string") {
		const long = node.value.length > STRING_MAX && !whole;
		return html`<span class="s">${visible(JSON.stringify(long ? node.value.slice(0, STRING_MAX) : node.value))}</span>${long && html` <button type="button" class="tiny"
			onClick=${() => setWhole(true)}>all ${node.value.length.toLocaleString("en")} characters</button>`}`;
	}
	return html`<span class=${node.type === "number" ? "n" : "w"}>${node.text}</span>`;
}

function Node({ name, node, path, depth, openTo }) {
	const [open, setOpen] = useState(depth <= openTo);
	const [shown, setShown] = useState(CHUNK);
	const key = typeof name === "string" ? html`<span class="k">${visible(JSON.stringify(name))}</span>: ` : null;
	const here = path || ".";
	const copy = html`<${Copy} text=${here} what=${`path ${visible(here)}`} cls="tiny path">path</${Copy}>`;
	if (node.type !== "object" && node.type !== "array") return html`<span class="leaf">${key}<${Value} node=${node} />${name !== undefined && copy}</span>`;
	const [a, b] = node.type === "object" ? "{}" : "[]";
	if (!size(node)) return html`<span class="leaf">${key}${a}${b}${copy}</span>`;
	const members = open ? inside(node).slice(0, shown) : [];
	return html`<details open=${open} onToggle=${(e) => setOpen(e.currentTarget.open)}><summary>${key}${a} <span class="n0">${words(node)}</span> ${b}</summary>
		${open && html`<ul>${members.map(([k, v], i) => html`<li key=${i}><${Node} name=${k} node=${v} path=${path + jqPart(k)} depth=${depth + 1} openTo=${openTo} /></li>`)}
		${size(node) > shown && html`<li key="more"><button type="button" class="tiny" onClick=${() => setShown(shown + CHUNK * 5)}>${Math.min(CHUNK * 5, size(node) - shown)} more of ${size(node).toLocaleString("en")}</button></li>`}</ul>`}
	</details>`;
}

function Found({ root, text }) {
	const hits = useMemo(() => {
		const low = text.toLowerCase();
		return flatten(root).filter(([p, v]) => p.toLowerCase().includes(low) || v.toLowerCase().includes(low));
	}, [root, text]);
	return html`<p class="q" role="status">${hits.length === 0 ? "Nothing has these letters." : `${hits.length.toLocaleString("en")} found${hits.length > FOUND_MAX ? `, the first ${FOUND_MAX} shown` : ""}`}</p>
		<ul class="found">${hits.slice(0, FOUND_MAX).map(([p, v], i) => html`<li key=${i}><span class="k">${visible(p)}</span> <span class="s">${visible(v.length > 300 ? `${v.slice(0, 300)}...` : v)}</span></li>`)}</ul>`;
}

export function Tree({ root }) {
	const [text, setText] = useState("");
	const [turn, setTurn] = useState({ openTo: null, n: 0 });
	const openTo = turn.openTo ?? depthFor(root, OPEN_AT_FIRST);
	const many = useMemo(() => flatten(root).length > TOOLS_FROM, [root]);
	return html`<div class="json">
		${many && html`<div class="tools"><input type="search" aria-label="Find in this tree" placeholder="Find a key or value" value=${text} onInput=${(e) => setText(e.target.value)} />
			<button type="button" class="tiny" onClick=${() => setTurn({ openTo: depthFor(root, OPEN_ALL), n: turn.n + 1 })}>Open all</button>
			<button type="button" class="tiny" onClick=${() => setTurn({ openTo: 0, n: turn.n + 1 })}>Fold</button></div>`}
		${text ? html`<${Found} root=${root} text=${text} />` : html`<${Node} key=${turn.n} node=${root} path="" depth=${0} openTo=${openTo} />`}</div>`;
}
