// SPDX-License-Identifier: Apache-2.0
// Stored webhooks of all accounts: what waits, what needs a person; replay and drop.

import { useState, useEffect } from "../vendor/vendor.js";
import { html, sayFault, useNow } from "../lib/ui.js";
import { State } from "../lib/icons.js";
import { oneLine, visible } from "../lib/text.js";
import { size, plural, number, span } from "../lib/time.js";
import { op, useOp, href, mayChange } from "./model.js";
import { Card, Page, Table, Search, Sure, Ago, None, act, fits } from "./parts.js";

// The edge's words for states, and the ones that are shown.
export const SHOWN = { received: ["queued", "received"], queued: ["queued", "queued"], leased: ["sending", "sending"], delivered: ["delivered", "delivered"], parked: ["parked", "parked"], dead: ["dead", "dead"], dropped: ["dropped", "dropped"] };
const VIEWS = [["unfinished", "Unfinished", ["received", "queued", "leased", "parked", "dead"]], ["parked", "Parked", ["parked"]], ["waiting", "Waiting", ["received", "queued", "leased"]], ["dead", "Given up", ["dead"]], ["delivered", "Delivered", ["delivered"]], ["all", "All", []]];

export const stateOf = (d) => (d.state === "queued" && d.attempts > 0 ? ["retrying", "retrying"] : SHOWN[d.state] ?? ["unknown", d.state]);
const waiting = (s) => s.received.n + s.queued.n + s.leased.n;

export function next(d, now) {
	if (d.state === "leased") return "now";
	if (d.state !== "queued") return "-";
	if (d.waits) return "behind another";
	return d.due_ms > now ? `in ${span(d.due_ms - now)}` : "when its tunnel takes it";
}

function lead(stat, now) {
	if (!stat) return "Inbox";
	const s = stat.states;
	const needs = s.parked.n + s.dead.n;
	const wait = waiting(s);
	if (!needs && !wait) return html`<b>Nothing waits.</b> ${s.delivered.n ? `All ${plural(s.delivered.n, "webhook")} that ${s.delivered.n === 1 ? "is" : "are"} kept came to ${s.delivered.n === 1 ? "its origin" : "their origins"}.` : "No webhook is stored yet."}`;
	return html`${needs > 0 && html`<b class="wait">${plural(needs, "webhook needs", "webhooks need")} a person.</b> `}${wait > 0 ? html`<b>${plural(wait, "waits", "wait")}</b>${stat.oldest_ms ? `, the oldest for ${span(now - stat.oldest_ms)}` : ""}; ${wait === 1 ? "it goes" : "they go"} out by ${wait === 1 ? "itself" : "themselves"}.` : "Nothing else waits."}`;
}

const Figures = ({ s }) => html`<dl class="multi card">${[["queued", "Waiting", waiting(s), s.received.bytes + s.queued.bytes + s.leased.bytes], ["parked", "Parked", s.parked.n, s.parked.bytes], ["dead", "Given up", s.dead.n, s.dead.bytes], ["delivered", "Delivered", s.delivered.n, s.delivered.bytes]].map(([state, name, n, bytes]) => html`<div key=${name}>
	<dt><${State} state=${state} word=${name} /></dt><dd>${number(n)} <small>${n ? size(bytes) : ""}</small></dd></div>`)}</dl>`;

function useRows(view) {
	const states = VIEWS.find((v) => v[0] === view)[2];
	const members = states.length ? { states } : {};
	const { data, error, again } = useOp("inbox.list", members);
	const [older, setOlder] = useState([]);
	useEffect(() => setOlder([]), [view]);
	const last = older.at(-1) ?? data;
	const more = () => op("inbox.list", { ...members, cursor: last.cursor }).then((page) => setOlder([...older, page]), sayFault);
	const rows = new Map([...(data?.rows ?? []), ...older.flatMap((p) => p.rows)].map((d) => [d.id, d]));
	return { data, error, again, rows: [...rows.values()], more: last?.more ? more : null };
}

async function each(ids, what) {
	for (const id of ids) await op(`inbox.${what}`, { id });
}

export const replay = (ids) => act(each(ids, "replay"), ids.length === 1 ? `Delivery ${ids[0]} is sent again.` : `${plural(ids.length, "delivery", "deliveries")} are sent again.`);
export const drop = (ids) => act(each(ids, "drop"), ids.length === 1 ? `Delivery ${ids[0]} is dropped.` : `${plural(ids.length, "delivery", "deliveries")} are dropped.`);

function Row({ d, now, chosen, toggle, acts }) {
	const [state, word] = stateOf(d);
	return html`<tr aria-selected=${String(chosen)}>${acts && html`<td><input type="checkbox" aria-label=${`Choose delivery ${d.id}`} checked=${chosen} onChange=${toggle} /></td>`}<td><${State} state=${state} word=${word} /></td><td class="m r"><a class="jump" href=${href("inbox", String(d.id))}>#${d.id}</a></td>
		<td data-l="tunnel"><b>${oneLine(d.tunnel)}</b> <span class="q">${oneLine(d.account)}</span></td><td data-l="event">${oneLine(d.event)}</td><td>${oneLine(d.repository)}</td><td class="fluid" title=${visible(d.note)}>${d.note ? oneLine(d.note) : html`<span class="m q">${oneLine(d.method)} ${oneLine(d.target)}</span>`}</td>
		<td class="r" data-l="attempts">${d.attempts}</td><td data-l="next" class="two">${next(d, now)}</td><td class="r" data-l="came"><${Ago} ms=${d.received_ms} now=${now} /></td><td class="r" data-l="size">${size(d.bytes)}</td></tr>`;
}

export function InboxPage() {
	const [view, setView] = useState("unfinished");
	const [typed, setTyped] = useState("");
	const [chosen, setChosen] = useState(new Set());
	const [sure, setSure] = useState(false);
	const stat = useOp("inbox.stat");
	const { data, error, again, rows, more } = useRows(view);
	const now = useNow(5000);
	useEffect(() => setChosen(new Set()), [view]);
	const s = stat.data?.states;
	const shown = rows.filter((d) => fits(typed, d.id, d.tunnel, d.account, d.event, d.repository, d.note, d.state));
	const ids = shown.map((d) => d.id).filter((id) => chosen.has(id));
	const toggle = (id) => setChosen((c) => {
		const to = new Set(c);
		if (!to.delete(id)) to.add(id);
		return to;
	});
	const clear = () => setChosen(new Set());
	const acts = mayChange();
	const count = (states) => states.reduce((n, x) => n + s[x].n, 0);
	const head = [...(acts ? [["", ""]] : []), ["State", ""], ["Delivery", "r"], ["Tunnel", ""], ["Event", ""], ["Repository", ""], ["What happened", ""], ["Attempts", "r"], ["Next", ""], ["Came", "r"], ["Size", "r"]];
	return html`<${Page} lead=${lead(stat.data, now)} error=${error ?? stat.error} again=${again}>${s && html`<${Figures} s=${s} />`}
		${data && html`<form class="acts" role="search" onSubmit=${(e) => e.preventDefault()}><${Search} value=${typed} on=${setTyped} label="Filter deliveries" placeholder="number, tunnel, account, event, repository" />
			<span class="seg" role="group" aria-label="State">${VIEWS.map(([id, name, states]) => html`<button key=${id} type="button" aria-pressed=${String(id === view)} onClick=${() => setView(id)}>${name}${s && states.length ? ` ${number(count(states))}` : ""}</button>`)}</span>
			${ids.length > 0 && html`<span class="two" role="status">${number(ids.length)} chosen</span><button class="primary" type="button" onClick=${() => { replay(ids); clear(); }}>Replay ${number(ids.length)}</button><button class="danger" type="button" onClick=${() => setSure(true)}>Drop ${number(ids.length)}...</button>`}</form>
		<${Card} id="ib" title="Deliveries" note="the newest first" tools=${acts && shown.length > 0 && html`<button type="button" class="tiny" onClick=${() => setChosen(ids.length === shown.length ? new Set() : new Set(shown.map((d) => d.id)))}>${ids.length === shown.length ? "Choose none" : "Choose all shown"}</button>`}>
			${shown.length ? html`<${Table} label="Table of deliveries" head=${head}>${shown.map((d) => html`<${Row} key=${d.id} d=${d} now=${now} acts=${acts} chosen=${chosen.has(d.id)} toggle=${() => toggle(d.id)} />`)}</${Table}>` : html`<${None}>There is no such delivery.</${None}>`}
			${more && html`<p class="pad"><button type="button" class="fit" onClick=${more}>Older deliveries</button></p>`}</${Card}>`}
		<p class="q">Parked: the origin said no in a way that trying again does not change; mend it, then replay. Given up: tried until it was too old. Dropped: never sent.</p>
		${sure && html`<${Sure} title=${`Drop ${plural(ids.length, "delivery", "deliveries")}?`} text="They are never sent to the origin. They stay in the list until their time is over." verb="Drop" run=${() => { drop(ids); clear(); }} onClose=${() => setSure(false)} />`}</${Page}>`;
}
