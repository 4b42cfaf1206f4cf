// SPDX-License-Identifier: Apache-2.0
// Deliveries that the edge keeps, and one of them with its attempts.

import { useState, useEffect } from "../vendor/vendor.js";
import { html, Fault, Dialog, Segments, say, sayFault } from "../lib/ui.js";
import { State, Tag, shape, tone } from "../lib/icons.js";
import { Icon } from "../lib/ui.js";
import { get, post } from "../lib/api.js";
import { useAsk, useStore } from "../lib/store.js";
import { parse } from "../lib/json.js";
import { Tree } from "../lib/treeview.js";
import { oneLine, visible } from "../lib/text.js";
import { full, size, span, took, plural, number } from "../lib/time.js";
import { app, go, href } from "./model.js";
import { Verdict } from "./listview.js";

const STATES = ["parked", "queued", "sending", "retrying", "delivered", "dead", "dropped"];

function lead(counts) {
	const wait = (counts.queued ?? 0) + (counts.sending ?? 0) + (counts.retrying ?? 0);
	const parked = (counts.parked ?? 0) + (counts.dead ?? 0);
	if (!wait && !parked) return html`<b>Nothing waits.</b> Every webhook that the edge stored is with its origin.`;
	return html`${parked > 0 && html`<b class="wait">${plural(parked, "webhook needs", "webhooks need")} you.</b> `}${wait > 0 ? html`<b>${plural(wait, "webhook waits", "webhooks wait")}</b> and will be delivered by ${wait === 1 ? "itself" : "themselves"}.` : "Nothing else waits."}`;
}

const keeps = (days) => (days ? `for ${plural(days, "day")}` : "without end");

export function InboxPage() {
	const [state, setState] = useState("");
	const [older, setOlder] = useState([]);
	const [chosen, setChosen] = useState(new Set());
	const [sure, setSure] = useState(false);
	const turn = useStore(app, (v) => v.inboxTurn);
	const path = (before) => `/v1/inbox?limit=100${state ? `&state=${state}` : ""}${before ? `&before=${before}` : ""}`;
	const { data, error, again } = useAsk((signal) => get(path(), signal), `${state} ${turn}`);
	useEffect(() => {
		setOlder([]);
		setChosen(new Set());
	}, [state]);
	const rows = [...(data?.rows ?? []), ...older.flatMap((o) => o.rows)];
	const more = older.length ? older.at(-1).more : data?.more;
	const next = () => get(path(rows.at(-1).number)).then((o) => setOlder([...older, o]), sayFault);
	const toggle = (n) => setChosen((c) => {
		const s = new Set(c);
		if (!s.delete(n)) s.add(n);
		return s;
	});
	const all = async (what) => {
		try {
			for (const n of chosen) await post(`/v1/inbox/${n}/${what}`, {});
			say(`${plural(chosen.size, "delivery", "deliveries")} ${what === "drop" ? "dropped" : "sent again"}.`);
			setChosen(new Set());
		} catch (e) {
			sayFault(e);
		}
		again();
	};
	const counts = data?.counts ?? {};
	return html`<main class="page" id="main" tabindex="-1"><h1 class="lead">${data ? lead(counts) : "The inbox at the edge"}</h1>
		${error && html`<${Fault} error=${error} again=${again} />`}
		${data && html`<section class="card" aria-labelledby="ib"><header><h2 id="ib">Deliveries</h2><${Segments} label="State" value=${state} on=${setState} options=${[["", "All"], ...STATES.map((s) => [s, `${s} ${number(counts[s])}`])]} /><span class="grow"></span>
			${chosen.size > 0 && html`<button type="button" onClick=${() => all("replay")}>Replay ${chosen.size}</button><button type="button" class="danger" onClick=${() => setSure(true)}>Drop ${chosen.size}...</button>`}</header>
			${rows.length === 0 ? html`<p class="pad two">There is no such delivery.</p>` : html`<div class="scroll" tabindex="0" role="region" aria-label="List of deliveries"><table class="grid stack"><thead><tr><th scope="col"><span class="vh">Choose</span></th><th scope="col" class="r">Delivery</th><th scope="col">State</th><th scope="col">Event</th><th scope="col">Repository, branch</th>
			<th scope="col">What happened</th><th scope="col" class="r">Attempts</th><th scope="col">Signature</th><th scope="col">Came</th><th scope="col" class="r">Next</th><th scope="col" class="r">Size</th></tr></thead><tbody>${rows.map((r) => html`<tr key=${r.number} aria-selected=${String(chosen.has(r.number))}>
			<td><input type="checkbox" aria-label=${`Choose delivery ${r.number}`} checked=${chosen.has(r.number)} onChange=${() => toggle(r.number)} /></td><td class="m r"><a href=${`#/inbox/${r.number}`}>${r.number}</a></td><td><${State} state=${r.state} /></td><td>${oneLine(r.event)}</td>
			<td><b>${oneLine(r.repository)}</b> <span class="two">${oneLine(r.branch)}</span></td><td class="fluid">${r.text ? visible(r.text) : r.status ? `answered ${r.status}` : html`<span class="q">-</span>`}</td><td class="m r" data-l="attempts">${r.attempts}</td><td><${Verdict} verdict=${r.verdict} /></td>
			<td class="m">${full(r.at_ms)}</td><td class="m r" data-l="next">${r.due_ms ? (r.due_ms > Date.now() ? `in ${span(r.due_ms - Date.now())}` : "now") : html`<span class="q">-</span>`}</td><td class="m r">${size(r.bytes)}</td></tr>`)}</tbody></table></div>`}
			${more && html`<p class="pad"><button type="button" onClick=${next}>Older deliveries</button></p>`}</section>
		<p class="q">${data.keeps_days == null ? "" : `The edge keeps what was delivered ${keeps(data.keeps_days)}, what is parked or dead ${keeps(data.keeps_failed_days)}. `}Parked: the set-up must change first, then replay. Dead: it was tried for a day.</p>`}
		${sure && html`<${Dialog} title=${`Drop ${plural(chosen.size, "delivery", "deliveries")}?`} onClose=${() => setSure(false)}><div class="pad"><p>They are never sent to the origin. The edge keeps them in its list.</p><div class="acts">
			<button type="button" class="danger" onClick=${() => { setSure(false); all("drop"); }}>Drop</button><button type="button" onClick=${() => setSure(false)}>Keep</button></div></div></${Dialog}>`}</main>`;
}

function Body({ text }) {
	try {
		return html`<${Tree} root=${parse(text)} />`;
	} catch {
		return html`<pre class="raw" tabindex="0">${visible(text)}</pre>`;
	}
}

export function DeliveryPage({ number: n }) {
	const turn = useStore(app, (v) => v.inboxTurn);
	const { data: d, error, again } = useAsk((signal) => get(`/v1/inbox/${encodeURIComponent(n)}`, signal), `${n} ${turn}`);
	const act = (what) => post(`/v1/inbox/${n}/${what}`, {}).then(() => { say(what === "drop" ? `Delivery ${n} is dropped.` : `Delivery ${n} is sent again.`); again(); }, sayFault);
	return html`<main class="page" id="main" tabindex="-1"><nav aria-label="Back"><a href="#/inbox">Inbox</a> <span class="q">/</span> Delivery ${n}</nav>${error && html`<${Fault} error=${error} again=${again} />`}
		${d && html`<div class="acts"><h1 class="lead"><b>Delivery ${n}</b> ${oneLine(d.event)} ${oneLine(d.repository)} ${oneLine(d.branch)}</h1><${Tag} state=${d.state} /><span class="grow"></span>
			<button type="button" class="primary" onClick=${() => act("replay")}>Replay</button>${d.row && html`<a class="btn" href=${href(`r/${d.row}`)}>Request #${d.row}</a>`}
			${!["delivered", "dropped"].includes(d.state) && html`<button type="button" class="danger" onClick=${() => act("drop")}>Drop</button>`}</div>
		${d.advice && html`<p class=${`note ${["parked", "dead"].includes(d.state) ? "wait" : ""}`}>${visible(d.advice)}</p>`}
		<div class="side"><section class="card" aria-labelledby="db"><header><h2 id="db">Body</h2><span class="q">${size(d.bytes)}${d.bytes > 65536 ? ", the first 64 KiB" : ""}</span></header><${Body} text=${d.body ?? ""} /></section>
		<div class="fields1"><section class="card" aria-labelledby="da"><header><h2 id="da">Attempts</h2></header><ol class="shaft pad">${(d.attempts_list ?? []).map((a, i, list) => html`${i > 0 && a.at_ms - list[i - 1].at_ms >= 1000 && html`<li class="pause">${span(a.at_ms - list[i - 1].at_ms)} later</li>`}
			<li key=${i}><${Icon} name=${shape(a.state)} tone=${tone(a.state)} /><span class="t m">${full(a.at_ms)}</span><p><b>${a.n ? `Attempt ${a.n}: ` : ""}${a.status ?? oneLine(a.text || a.state)}</b></p>${a.status && html`<p class="two">${[a.took_us > 0 && `in ${took(a.took_us)}`, a.text && oneLine(a.text)].filter(Boolean).join(", ")}</p>`}</li>`)}</ol></section>
		<section class="card" aria-labelledby="dh"><header><h2 id="dh">Headers</h2></header><table class="kv"><tbody>${(d.headers ?? []).map(([name, value, hidden], i) => html`<tr key=${i}><th scope="row">${oneLine(name)}</th><td>${hidden ? html`<span class="hid">hidden</span>` : visible(value)}</td></tr>`)}</tbody></table></section></div></div>`}</main>`;
}

export const openInbox = () => go("inbox", "");
