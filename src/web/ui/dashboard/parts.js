// SPDX-License-Identifier: Apache-2.0
// What several pages of the dashboard are made of.

import { useState } from "../vendor/vendor.js";
import { html, Icon, Fault, Dialog, sayFault, say } from "../lib/ui.js";
import { full, span } from "../lib/time.js";
import { changed } from "./model.js";

export const Page = ({ lead, children, error, again }) => html`<main class="page" id="main" tabindex="-1"><h1 class="lead">${lead}</h1>${error && html`<${Fault} error=${error} again=${again} />`}${children}</main>`;

export const Card = ({ id, title, note, tools, children }) => html`<section class="card" aria-labelledby=${id}><header><h2 id=${id}>${title}</h2>${note && html`<span class="q">${note}</span>`}<span class="grow"></span>${tools}</header>${children}</section>`;

// head: [name, class]; rows are <tr>.
export const Table = ({ label, head, children }) => html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class="grid stack"><thead><tr>${head.map(([name, cls]) => html`<th key=${name} scope="col" class=${cls}>${name === "" ? html`<span class="vh">Actions</span>` : name}</th>`)}</tr></thead><tbody>${children}</tbody></table></div>`;

export const Bar = ({ used, limit }) => {
	const share = limit > 0 ? Math.min(100, (100 * used) / limit) : 0;
	return html`<svg class=${`bar ${share >= 90 ? "bad" : share >= 70 ? "wait" : ""}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="8" rx="1" /><rect width=${share.toFixed(1)} height="8" rx="1" /></svg>`;
};

export const Search = ({ value, on, label, placeholder }) => html`<div class="search"><${Icon} name="search" /><label class="vh" for="filter">${label}</label><input id="filter" type="search" placeholder=${placeholder} value=${value} spellcheck="false" autocomplete="off" onInput=${(e) => on(e.target.value)} /></div>`;

export const fits = (typed, ...texts) => typed.toLowerCase().split(/\s+/).filter(Boolean).every((w) => texts.some((t) => String(t ?? "").toLowerCase().includes(w)));

export const Ago = ({ ms, now = Date.now() }) => (ms > 0 ? html`<time dateTime=${new Date(ms).toISOString()} title=${full(ms, now)}>${span(Math.max(0, now - ms))} ago</time>` : html`<span class="q">never</span>`);

export const None = ({ children }) => html`<p class="pad two">${children}</p>`;

// Does it, says so, and has everything asked again; a refusal is said in the edge's words.
export const act = (what, text) => what.then((answer) => {
	say(typeof text === "function" ? text(answer) : text);
	changed();
	return answer;
}, sayFault);

// Asks before what cannot be undone: word, where one is given, has to be typed.
export function Sure({ title, text, word, verb, run, onClose }) {
	const [typed, set] = useState("");
	const ready = !word || typed.trim() === word;
	const go = (e) => {
		e.preventDefault();
		if (!ready) return;
		onClose();
		run();
	};
	return html`<${Dialog} title=${title} onClose=${onClose}><form class="pad" onSubmit=${go}><p>${text}</p>
		${word && html`<div class="field"><label for="sure">Type <code>${word}</code> to go on</label><input id="sure" type="text" class="m" autocomplete="off" spellcheck="false" value=${typed} onInput=${(e) => set(e.target.value)} /></div>`}
		<div class="acts"><button type="submit" class="danger" disabled=${!ready}>${verb}</button><button type="button" onClick=${onClose}>Leave it</button></div></form></${Dialog}>`;
}
