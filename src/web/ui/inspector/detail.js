// SPDX-License-Identifier: Apache-2.0
// One request: what it is, what can be done with it, its attempts, why it did not build, and both sides.

import { useState, useEffect } from "../vendor/vendor.js";
import { html, Icon, Kbd, Menu, Fault, useKeys } from "../lib/ui.js";
import { Tag } from "../lib/icons.js";
import { get } from "../lib/api.js";
import { useAsk, useStore } from "../lib/store.js";
import { oneLine } from "../lib/text.js";
import { full, took } from "../lib/time.js";
import { app, rows, place, go, href } from "./model.js";
import { marks } from "./marks.js";
import { view } from "./listview.js";
import { Side } from "./side.js";
import { Why, Attempts, Times } from "./why.js";
import { replay, replayChoices, pin, diff, curl, exportChoices, permalink } from "./actions.js";

const REST_MS = 70;
const WEBHOOK = (row) => row.event && (row.delivery || row.state === "refused" || row.verdict);

// The key of what is asked: it rests for a moment, so that j held down asks for the last one only.
function useRested(id) {
	const [rested, set] = useState(id);
	useEffect(() => {
		const t = setTimeout(() => set(id), REST_MS);
		return () => clearTimeout(t);
	}, [id]);
	return rested;
}

function title(row) {
	if (row.event) return oneLine(row.event);
	return `${oneLine(row.method)} ${oneLine(row.path)}`;
}

export const REQUEST_KEYS = [["r", "Replay it"], ["R", "Replay it signed anew"], ["e", "Edit and replay"], ["t", "Replay to another place, several times, from here on"], ["c", "Copy as curl"],
	["d", "Mark for a diff; on a second one: compare"], ["x", "Export"], ["p", "Pin it, or let it go"], ["y", "Copy the link to this request"]].map(([key, what]) => ({ keys: [key], what }));

function Actions({ row, detail }) {
	const [menu, setMenu] = useState("");
	const marked = useStore(marks, (v) => v.diff);
	const pinned = (row.flags ?? []).includes("pinned");
	const bare = Boolean(detail && !detail.request);
	const mine = () => place.value.path[0] === "r" && place.value.path.length === 2;
	const run = {
		r: () => replay(row.id, detail?.exact === false ? { mode: "signed" } : {}), R: () => replay(row.id, { mode: "signed" }), e: () => go(`edit/${row.id}`), t: () => setMenu("to"),
		c: () => curl(row.id), d: () => diff(row, detail?.previous), x: () => setMenu("export"), p: () => pin(row), y: () => permalink(row.id),
	};
	useKeys(REQUEST_KEYS.map((k) => ({ ...k, when: () => mine() && !(bare && "rRetc".includes(k.keys[0])), run: () => { run[k.keys[0]](); } })), [row, detail]);
	return html`<div class="acts" role="toolbar" aria-label=${`Actions for ${row.id}`}>
		<button class="primary" type="button" disabled=${bare} onClick=${() => replay(row.id, detail?.exact === false ? { mode: "signed" } : {})}>Replay <${Kbd}>R</${Kbd}></button>
		${!bare && html`<a class="btn" href=${href(`edit/${row.id}`)}>Edit and replay <${Kbd}>E</${Kbd}></a>
		<${Menu} label="Replay to" items=${replayChoices(row, detail)} open=${menu === "to" || undefined} onClose=${() => setMenu("")}>Replay to... <${Kbd}>T</${Kbd}></${Menu}>
		<span class="sep hide-s"></span>
		<button type="button" onClick=${() => curl(row.id)}>Copy as curl <${Kbd}>C</${Kbd}></button>`}
		<button type="button" aria-pressed=${String(marked === row.id)} onClick=${() => diff(row, detail?.previous)}>${marked && marked !== row.id ? `Diff with #${marked}` : "Diff"} <${Kbd}>D</${Kbd}></button>
		<${Menu} label="Export" items=${exportChoices([row.id])} open=${menu === "export" || undefined} onClose=${() => setMenu("")}>Export... <${Kbd}>X</${Kbd}></${Menu}>
		<button type="button" aria-pressed=${String(pinned)} onClick=${() => pin(row)}><${Icon} name="pin" />${pinned ? "Pinned" : "Pin"} <${Kbd}>P</${Kbd}></button></div>`;
}

function Facts({ detail }) {
	const list = [["Time", full(detail.at_ms)], ["Took", took(detail.took_us)], ["Tunnel", detail.tunnel], ["From", detail.peer], ["Request id", detail.request_id],
		["Delivery", detail.delivery && html`<a href=${`#/inbox/${detail.delivery}`}>${detail.delivery}</a>`], ["Repeats", detail.parent && html`<a href=${href(`r/${detail.parent}`)}>#${detail.parent}</a>`],
		["Code", detail.code]].filter(([, v]) => v);
	return html`<table class="kv facts"><tbody>${list.map(([n, v]) => html`<tr key=${n}><th scope="row">${n}</th><td>${typeof v === "string" ? oneLine(v) : v}</td></tr>`)}</tbody></table>`;
}

export function Detail({ id }) {
	const rested = useRested(id);
	useStore(rows, (v) => v.turn);
	const turn = useStore(app, (v) => v.detailTurn);
	const row = rows.byId.get(id);
	const version = `${rested} ${rows.byId.get(rested)?.changed ?? ""} ${turn}`;
	const { data, error, again } = useAsk((signal) => get(`/v1/exchanges/${rested}`, signal), version);
	const why = useAsk((signal) => (row && !WEBHOOK(row) ? Promise.resolve(null) : get(`/v1/exchanges/${rested}/why`, signal)), version);
	const [last, setLast] = useState(null);
	useEffect(() => {
		if (data) setLast({ ...data, why: why.data });
	}, [data, why.data]);
	const close = () => {
		view.set({ cursor: id });
		go("");
		document.querySelector(".vlist")?.focus();
	};
	useKeys([{ keys: ["Escape"], what: "Back to the list", when: () => place.value.path[0] === "r", run: close }], [id]);
	// The last answer stays while a newer one of the same request is on its way: nothing jumps.
	const detail = data ?? (last?.id === id ? last : null);
	const card = why.data ?? (last?.id === id ? last.why : null);
	const head = row ?? detail;
	const children = (detail?.children ?? []).map((c) => rows.byId.get(c) ?? { id: c, at_ms: detail.at_ms, state: "replay" });
	return html`<section class="detail" aria-labelledby="d-title"><header class="dhead">
		<button type="button" class="narrow" onClick=${close}><${Icon} name="back" />List</button>
		<h2 id="d-title"><span class="m">#${id}</span> ${head && html`<span class="cut">${title(head)}</span> <span class="two cut">${oneLine(head.repository)} ${oneLine(head.branch)}</span> <${Tag} state=${head.state} />`}</h2>
		<span class="grow"></span>${head && html`<${Actions} row=${head} detail=${detail} />`}<button type="button" class="plain hide-s" onClick=${close}><${Icon} name="x" label="Close the request" /></button></header>
		${error && !detail ? html`<div class="page"><${Fault} error=${error} again=${again} /></div>` : !detail ? html`<p class="pad q">Reading request ${id}</p>` : html`
		<${Attempts} detail=${detail} children=${children} />
		<div class="trip"><div class="pane" tabindex="0" role="region" aria-label="Explanation">${card && html`<${Why} why=${card} row=${detail} />`}<div><${Times} times=${detail.times} /><${Facts} detail=${detail} /></div></div>
			<${Side} key=${`${id}q`} detail=${detail} side="request" /><${Answer} key=${`${id}a`} detail=${detail} /></div>`}</section>`;
}

// The answer of each attempt can be looked at, where the agent kept it.
function Answer({ detail }) {
	const kept = (detail.attempts ?? []).filter((a) => a.row && a.n);
	const [which, setWhich] = useState(detail.id);
	const other = useAsk((signal) => (which === detail.id ? Promise.resolve(null) : get(`/v1/exchanges/${which}`, signal)), `${which} ${detail.changed}`);
	const shown = which === detail.id ? detail : other.data ?? detail;
	const head = kept.length > 1 && html`<label class="vh" for="att">Attempt</label><select id="att" value=${which} onChange=${(e) => setWhich(e.target.value)}>${kept.map((a) =>
		html`<option key=${a.row} value=${a.row}>Attempt ${a.n}: ${a.status ?? a.text}</option>`)}</select>`;
	return html`<${Side} detail=${shown} side="response" head=${head || undefined} />`;
}
