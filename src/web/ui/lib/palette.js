// SPDX-License-Identifier: Apache-2.0
// The command palette: everything that can be done here, found by typing.

import { useState, useRef, useLayoutEffect } from "../vendor/vendor.js";
import { html, Dialog } from "./ui.js";
import { shown } from "./keys.js";

// How well the letters fit: null where they do not; less is better. Beginnings of words are worth more.
export function score(text, typed) {
	const t = text.toLowerCase();
	let cost = 0;
	let at = 0;
	for (const word of typed.toLowerCase().split(/\s+/).filter(Boolean)) {
		const begin = t.search(new RegExp(`(^|[^a-z0-9])${word.replace(/[^a-z0-9]/g, "\\$&")}`));
		const inside = t.indexOf(word);
		if (begin < 0 && inside < 0) return null;
		at = begin >= 0 ? begin : inside + 20;
		cost += at;
	}
	return cost + t.length / 100;
}

// commands: [{name, hint, key, run}]; more(typed) adds what depends on the text (#4711 goes there).
export function Palette({ commands, more, onClose }) {
	const [typed, setTyped] = useState("");
	const [at, setAt] = useState(0);
	const list = useRef();
	const ranked = commands.map((c) => ({ c, s: score(`${c.name} ${c.hint ?? ""}`, typed) })).filter((x) => x.s !== null);
	if (typed) ranked.sort((a, b) => a.s - b.s);
	const hits = [...(more?.(typed) ?? []), ...ranked.map((x) => x.c)].slice(0, 40);
	const active = Math.min(at, hits.length - 1);
	useLayoutEffect(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" }), [active]);
	const run = (c) => {
		onClose();
		c?.run();
	};
	const keys = (e) => {
		if (e.key === "ArrowDown" || (e.ctrlKey && e.key === "n")) setAt((active + 1) % Math.max(1, hits.length));
		else if (e.key === "ArrowUp" || (e.ctrlKey && e.key === "p")) setAt((active + hits.length - 1) % Math.max(1, hits.length));
		else if (e.key === "Enter") run(hits[active]);
		else return;
		e.preventDefault();
	};
	return html`<${Dialog} title="Commands" onClose=${onClose} cls="palette">
		<input type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant=${hits.length ? `cmd-${active}` : undefined}
			aria-label="Type a command, a number or a state" placeholder="Type a command, or the number of a request" autofocus value=${typed}
			onInput=${(e) => { setTyped(e.target.value); setAt(0); }} onKeyDown=${keys} />
		<ul id="palette-list" role="listbox" aria-label="Commands" ref=${list}>${hits.map((c, i) => html`<li key=${c.name} id=${`cmd-${i}`} role="option"
			aria-selected=${String(i === active)} onPointerMove=${() => setAt(i)} onClick=${() => run(c)}><span>${c.name}</span>${c.hint && html`<small>${c.hint}</small>`}
			${c.key && html`<kbd aria-hidden="true">${shown(c.key)}</kbd>`}</li>`)}</ul>
		${hits.length === 0 && html`<p class="q" role="status">No command has these letters.</p>`}
	</${Dialog}>`;
}
