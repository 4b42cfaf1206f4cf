// SPDX-License-Identifier: Apache-2.0
// The search box, its views, and what is found while somebody types. The filter is in the address.

import { useState, useRef, useEffect } from "../vendor/vendor.js";
import { html, Icon, Kbd, Menu, useKeys } from "../lib/ui.js";
import { VIEWS, complete, parse, without } from "../lib/filter.js";
import { useStore } from "../lib/store.js";
import { number, plural, size } from "../lib/time.js";
import { app, place, rows, seen, setFilter } from "./model.js";
import { view, follow } from "./listview.js";
import { marks, chooseNone } from "./marks.js";
import { exportChoices } from "./actions.js";

const REST_MS = 160;

function Suggestions({ list, at, pick }) {
	return html`<ul class="suggest" id="suggest" role="listbox" aria-label="Words that fit">${list.map((s, i) => html`<li key=${s.text} id=${`sg-${i}`} role="option"
		aria-selected=${String(i === at)} onPointerDown=${(e) => { e.preventDefault(); pick(s); }}><code>${s.text}</code></li>`)}</ul>`;
}

function Box() {
	const { q } = useStore(place);
	const [typed, setTyped] = useState(q);
	const [at, setAt] = useState(-1);
	const [focus, setFocus] = useState(false);
	const input = useRef();
	const timer = useRef(0);
	useEffect(() => {
		if (q !== typed.trim()) setTyped(q);
	}, [q]);
	useKeys([{ keys: ["/"], what: "Filter and search in bodies", run: () => { input.current.focus(); input.current.select(); } }], []);

	const change = (text) => {
		setTyped(text);
		setAt(-1);
		clearTimeout(timer.current);
		timer.current = setTimeout(() => setFilter(text.trim()), REST_MS);
	};
	const word = /\S*$/.exec(typed)[0];
	const list = focus && word ? complete(word, seen()).slice(0, 8) : [];
	const pick = (s) => {
		change(`${typed.slice(0, typed.length - word.length)}${word[0] === "-" ? "-" : ""}${s.text}${s.text.endsWith(":") ? "" : " "}`);
		input.current.focus();
	};
	const keys = (e) => {
		if (e.key === "ArrowDown" && list.length) setAt((at + 1) % list.length);
		else if (e.key === "ArrowUp" && list.length) setAt((at + list.length) % (list.length + 1) - (at <= 0 ? 1 : 1));
		else if ((e.key === "Tab" || e.key === "Enter") && list.length && (at >= 0 || (e.key === "Tab" && list.length === 1))) pick(list[Math.max(0, at)]);
		else if (e.key === "Enter") {
			clearTimeout(timer.current);
			setFilter(typed.trim());
			input.current.blur();
			document.querySelector(".vlist")?.focus();
		} else if (e.key === "Escape") {
			if (typed && list.length) setAt(-1);
			input.current.blur();
			document.querySelector(".vlist")?.focus();
		} else return;
		e.preventDefault();
		e.stopPropagation();
	};
	const fields = parse(q).fields;
	return html`<div class="search"><${Icon} name="search" /><label class="vh" for="q">Filter and search in bodies</label>
		<input id="q" ref=${input} type="text" role="combobox" autocomplete="off" spellcheck="false" autocapitalize="off" aria-expanded=${String(list.length > 0)} aria-controls="suggest"
			aria-activedescendant=${at >= 0 && list.length ? `sg-${at}` : undefined} placeholder="repo:acme/web  status:404  or words in a body" value=${typed}
			onInput=${(e) => change(e.target.value)} onKeyDown=${keys} onFocus=${() => setFocus(true)} onBlur=${() => setFocus(false)} />
		${typed ? html`<button type="button" class="plain tiny" onClick=${() => { change(""); setFilter(""); input.current.focus(); }}><${Icon} name="x" label="Clear the filter" /></button>` : html`<${Kbd}>/</${Kbd}>`}
		${list.length > 0 && html`<${Suggestions} list=${list} at=${at} pick=${pick} />`}
		<span class="vh" role="status">${fields.length ? plural(fields.length, "filter") : ""}</span></div>`;
}

function Views() {
	const { q } = useStore(place);
	const counts = useStore(app, (v) => v.agent?.counts) ?? {};
	const current = VIEWS.findLast((v) => v.q === "" || q.split(/\s+/).includes(v.q));
	const bare = VIEWS.reduce((text, v) => (v.q ? without(text, ...v.q.split(":")) : text), q);
	return html`<div class="views" role="group" aria-label="Views">${VIEWS.map((v) => html`<button key=${v.name} type="button" aria-pressed=${String(v === current)}
		onClick=${() => setFilter([v.q, bare].filter(Boolean).join(" "))}>${v.name} <span class="n">${number(counts[v.count])}</span></button>`)}</div>`;
}

// How far the search in bodies has come.
function Found() {
	const { search, count } = useStore(rows);
	if (!search) return null;
	const text = search.done ? `${plural(count, "request")} in ${size(search.scanned)} of bodies${search.more ? ", there are more" : ""}`
		: `${plural(count, "request")} so far, searching`;
	return html`<span class="q found-n" role="status">${text}${search.first !== null && search.done && count ? `, first after ${Math.round(search.first)} ms` : ""}</span>`;
}

export function FilterBar() {
	const { follow: on } = useStore(view);
	const { chosen } = useStore(marks);
	const ids = [...chosen];
	return html`<div class="filter" role="search"><${Box} /><${Found} />
		${ids.length > 0 && html`<span class="tag made">${plural(ids.length, "request")} chosen</span>
			<${Menu} label="Export the chosen requests" items=${exportChoices(ids)}>Export...</${Menu}><button type="button" class="plain" onClick=${chooseNone}>Choose none</button>`}
		<${Views} /><label class="inline"><input type="checkbox" checked=${on} onChange=${(e) => follow(e.target.checked)} /> Follow</label></div>`;
}
