// SPDX-License-Identifier: Apache-2.0
// One stored webhook: what was tried, and its request, whose body is opened by a second, logged step.

import { useState } from "../vendor/vendor.js";
import { html, Icon, Fault, sayFault, useNow } from "../lib/ui.js";
import { Tag, shape, tone } from "../lib/icons.js";
import { oneLine, visible } from "../lib/text.js";
import { full, size, span, took } from "../lib/time.js";
import { parse } from "../lib/json.js";
import { Tree } from "../lib/treeview.js";
import { op, useOp, mayChange } from "./model.js";
import { Card, Sure } from "./parts.js";
import { stateOf, next, replay, drop } from "./inboxpage.js";

const PIECES_MAX = 12;

const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

// Head and body by pieces: {lines: [[name, value]], body, cut}.
async function open(id) {
	const parts = [];
	let at = 0;
	let total = 1;
	let head = 0;
	for (let i = 0; i < PIECES_MAX && at < total; i++) {
		const a = await op("inbox.bytes", { id, offset: at });
		const piece = bytesOf(a.bytes);
		if (!piece.length) break;
		parts.push(piece);
		at += piece.length;
		total = a.total;
		head = a.head_bytes;
	}
	const all = new Uint8Array(at);
	let to = 0;
	for (const p of parts) {
		all.set(p, to);
		to += p.length;
	}
	const text = new TextDecoder();
	const lines = text.decode(all.subarray(0, head)).split("\r\n").filter(Boolean);
	return { line: lines[0] ?? "", fields: lines.slice(1).map((l) => [l.slice(0, l.indexOf(":")), l.slice(l.indexOf(":") + 1).trim()]), body: text.decode(all.subarray(head)), cut: at < total };
}

function Body({ text }) {
	try {
		return html`<${Tree} root=${parse(text)} />`;
	} catch {
		return html`<pre class="raw" tabindex="0">${visible(text)}</pre>`;
	}
}

function Request({ d }) {
	const [bytes, setBytes] = useState(null);
	if (bytes)
		return html`<${Card} id="bd" title="Request" note=${`${size(d.bytes)}${bytes.cut ? ", its beginning" : ""}`}><table class="kv"><tbody><tr><th scope="row">Line</th><td>${oneLine(bytes.line)}</td></tr>${bytes.fields.map(([name, value], i) => html`<tr key=${i}><th scope="row">${oneLine(name)}</th><td>${value === "***" ? html`<span class="hid">hidden</span>` : visible(value)}</td></tr>`)}</tbody></table>
			<${Body} text=${bytes.body} /></${Card}>`;
	return html`<${Card} id="bd" title="Request" note=${size(d.bytes)}><table class="kv"><tbody><tr><th scope="row">${oneLine(d.method)}</th><td>${oneLine(d.target).split("***").flatMap((part, i) => (i ? [html`<span class="hid">hidden</span>`, part] : [part]))}</td></tr>
		<tr><th scope="row">Event</th><td>${oneLine(d.event) || "-"}</td></tr><tr><th scope="row">Sender's number</th><td>${oneLine(d.provider_id) || "-"}</td></tr></tbody></table>
		<div class="note"><p><b>The body is hidden.</b> ${mayChange() ? "Opening it is written into the log, with your session." : "Your role reads no bodies."}</p>${mayChange() && html`<p class="acts"><button type="button" onClick=${() => open(d.id).then(setBytes, sayFault)}>Show head and body</button></p>`}</div></${Card}>`;
}

// What an attempt came to, as a state.
const outcome = (a) => (a.status >= 200 && a.status < 300 ? "delivered" : a.status >= 400 && a.status < 500 ? "parked" : "retrying");

const Attempts = ({ d, list }) => html`<ol class="shaft pad"><li><${Icon} name="queued" tone="idle" /><span class="t m">${full(d.received_ms)}</span><b>Stored</b>, its sender got an answer</li>${list.map((a, i) => {
	const before = i ? list[i - 1].at_ms : d.received_ms;
	return html`${a.at_ms - before >= 1000 && html`<li class="pause" key=${`p${i}`}>${span(a.at_ms - before)} later</li>`}<li key=${i}><${Icon} name=${shape(outcome(a))} tone=${tone(outcome(a))} /><span class="t m">${full(a.at_ms)}</span><p><b>Attempt ${a.number}: ${a.status || oneLine(a.reason) || "no answer"}</b>${a.latency_ms > 0 ? ` in ${took(a.latency_ms * 1000)}` : ""}</p>
		${a.status > 0 && a.reason && html`<p class="two">${oneLine(a.reason)}</p>`}${a.answer && html`<pre class="at two" tabindex="0">${visible(a.answer)}</pre>`}</li>`;
})}${d.state === "queued" && html`<li><${Icon} name="open" tone="idle" /><b>Next</b> ${next(d, Date.now())}</li>`}</ol>`;

export function DeliveryPage({ id }) {
	const { data, error, again } = useOp("inbox.show", { id });
	const [sure, setSure] = useState(false);
	useNow(5000);
	const d = data?.delivery;
	const [state, word] = d ? stateOf(d) : [];
	return html`<main class="page" id="main" tabindex="-1"><nav aria-label="Back"><a href="#/inbox">Inbox</a> <span class="q">/</span> Delivery ${id}</nav>${!d && html`<h1 class="lead">Delivery ${id}</h1>`}${error && html`<${Fault} error=${error} again=${again} />`}
		${d && html`<div class="acts"><h1 class="lead"><b>#${d.id}</b> ${oneLine(d.event)} for <b>${oneLine(d.tunnel)}</b> ${oneLine(d.repository)}</h1><${Tag} state=${state} word=${word} /><span class="grow"></span>${mayChange() && html`<button type="button" class="primary" onClick=${() => replay([d.id])}>Replay</button>${!["delivered", "dropped"].includes(d.state) && html`<button type="button" class="danger" onClick=${() => setSure(true)}>Drop...</button>`}`}</div>
		${d.note && html`<p class=${`note ${["parked", "dead"].includes(d.state) ? "wait" : ""}`}>${visible(d.note)}</p>`}
		<div class="cols"><${Card} id="at" title="What was tried" note=${d.replay_of ? `a replay of #${d.replay_of}` : ""}><${Attempts} d=${d} list=${data.attempts} /></${Card}><${Request} d=${d} /></div>`}
		${sure && html`<${Sure} title=${`Drop delivery ${id}?`} text="It is never sent to the origin." verb="Drop" run=${() => drop([id])} onClose=${() => setSure(false)} />`}</main>`;
}
