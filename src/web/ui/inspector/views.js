// SPDX-License-Identifier: Apache-2.0
// Views of bodies that are no JSON: forms, parts, XML, bytes, Protocol Buffers, gRPC, events and frames.

import { useState, useMemo } from "../vendor/vendor.js";
import { html, Segments, Fault } from "../lib/ui.js";
import { bytes as fetchBytes, get, save } from "../lib/api.js";
import { useAsk } from "../lib/store.js";
import { urlencoded, multipart } from "../lib/form.js";
import { indent } from "../lib/xml.js";
import { rows as hexRows, row as hexRow } from "../lib/hex.js";
import { message, grpcFrames, text as utf8 } from "../lib/proto.js";
import { events, lines, arrival } from "../lib/sse.js";
import { frames, messages, extensions } from "../lib/ws.js";
import { parse } from "../lib/json.js";
import { Tree } from "../lib/treeview.js";
import { visible, oneLine } from "../lib/text.js";
import { size, took, number, plural } from "../lib/time.js";

const ROWS_MAX = 500;

const more = (shown, all, set) => all > shown && html`<p class="pad"><button type="button" onClick=${() => set(shown + ROWS_MAX)}>Show more: ${number(shown)} of ${number(all)} are shown</button></p>`;

export function Form({ text }) {
	const list = urlencoded(text);
	return html`<table class="kv"><tbody>${list.map((f, i) => html`<tr key=${i}><th scope="row">${oneLine(f.name)}</th><td>${visible(f.value)}${f.right ? "" : html` <span class="bad">bad escape</span>`}
		${/^\s*[[{]/.test(f.value) && html`<${Inside} text=${f.value} />`}</td></tr>`)}</tbody></table>`;
}

// JSON in a field of a form, as some senders have it.
function Inside({ text }) {
	try {
		return html`<${Tree} root=${parse(text)} />`;
	} catch {
		return null;
	}
}

export function Parts({ bytes, type }) {
	const { parts, fault } = useMemo(() => multipart(bytes, type), [bytes, type]);
	return html`${fault && html`<p class="note wait strip">${fault}.</p>`}<div class="scroll" tabindex="0" role="region" aria-label="Parts"><table class="grid"><thead><tr><th scope="col">Name</th><th scope="col">File</th><th scope="col">Type</th>
		<th scope="col" class="r">Size</th><th scope="col">Value</th></tr></thead><tbody>${parts.map((p, i) => html`<tr key=${i}><td class="m">${oneLine(p.name)}</td><td class="m">${p.filename === null ? "" : oneLine(p.filename)}</td>
		<td class="m">${oneLine(p.type)}</td><td class="m r">${size(p.bytes.length)}</td><td>${p.filename === null || p.bytes.length < 200 ? html`<span class="m">${oneLine((utf8(p.bytes) ?? "bytes").slice(0, 200))}</span> ` : ""}
		${p.filename !== null && html`<button type="button" class="tiny" onClick=${() => save(new Blob([p.bytes], { type: "application/octet-stream" }), oneLine(p.filename).split(/[/\\]/).pop() || "part")}>Save<span
		class="vh"> ${oneLine(p.filename)}</span></button>`}</td></tr>`)}</tbody></table></div>`;
}

export function Xml({ text }) {
	const [shown, set] = useState(ROWS_MAX);
	const { lines: list, whole } = useMemo(() => indent(text), [text]);
	return html`<div class="xml" tabindex="0" role="region" aria-label="XML">${list.slice(0, shown).map((l, i) => html`<div key=${i} class=${`x-${l.kind}`} style=${{ paddingLeft: `${Math.min(l.depth, 40) * 14}px` }}>${visible(l.text)}</div>`)}</div>
		${more(shown, list.length, set)}${!whole && html`<p class="note wait strip">There is more than can be shown as a tree.</p>`}`;
}

export function Hex({ bytes }) {
	const [shown, set] = useState(ROWS_MAX);
	const all = hexRows(bytes);
	const text = useMemo(() => Array.from({ length: Math.min(shown, all) }, (_, i) => {
		const r = hexRow(bytes, i);
		return `${r.offset}  ${r.hex}  ${r.text}`;
	}).join("\n"), [bytes, shown]);
	return html`<pre class="raw hex" tabindex="0">${text}</pre>${more(shown * 16, bytes.length, () => set(shown + ROWS_MAX * 4))}`;
}

function Fields({ list }) {
	return html`<ul>${list.map((f, i) => html`<li key=${i}>${!f.message && html`<span class="k">${f.number}</span> <span class="n0">${f.wire}</span> `}${f.guesses
		? html`<span class="n">${f.guesses[0].text}</span>${f.guesses.slice(1).map((g) => html` <span class="n0">${g.as} ${g.text}</span>`)}`
		: f.message ? html`<details open><summary><span class="k">${f.number}</span>: { <span class="n0">${plural(f.message.fields.length, "field")}${f.string ? `, or text: ${oneLine(f.string.slice(0, 60))}` : ""}</span> }</summary><${Fields} list=${f.message.fields} /></details>`
			: f.string !== undefined ? html`<span class="s">${visible(JSON.stringify(f.string))}</span>` : html`<span class="n0">${size(f.bytes.length)}:</span> <span class="m">${Array.from(f.bytes.subarray(0, 64), (b) => b.toString(16).padStart(2, "0")).join(" ")}</span>`}</li>`)}</ul>`;
}

export function Proto({ bytes }) {
	const m = useMemo(() => message(bytes), [bytes]);
	return html`<div class="json">${!m.whole && html`<p class="wait">After this the bytes are no message: ${m.fault}.</p>`}<${Fields} list=${m.fields} />
		<p class="q">Without a schema: numbers of fields and kinds on the wire are told by the bytes, values are guessed.</p></div>`;
}

export function Grpc({ bytes }) {
	const g = useMemo(() => grpcFrames(bytes), [bytes]);
	return html`<div class="json">${g.frames.map((f, i) => html`<details key=${i} open=${i < 20}><summary>${f.trailers ? "Trailers" : `Message ${i + 1}`} <span class="n0">${size(f.length)}${f.compressed ? ", compressed" : ""}${f.cut ? ", cut" : ""}</span></summary>
		${f.trailers ? html`<pre class="raw">${visible(utf8(f.bytes) ?? "")}</pre>` : f.compressed ? html`<p class="q">Compressed by grpc-encoding: see Hex.</p>` : html`<${One} bytes=${f.bytes} />`}</details>`)}
		${g.fault && html`<p class="wait">${g.fault}.</p>`}${!g.fault && g.rest > 0 && html`<p class="wait">${size(g.rest)} follow that are no whole frame.</p>`}</div>`;
}

function One({ bytes }) {
	const m = useMemo(() => message(bytes), [bytes]);
	return html`<${Fields} list=${m.fields} />${!m.whole && html`<p class="wait">${m.fault}</p>`}`;
}

const when = (us) => (us === null ? "" : `+${took(us)}`);

export function Events({ text, pieces }) {
	const [shown, set] = useState(ROWS_MAX);
	const all = useMemo(() => events(text), [text]);
	return html`<ol class="frames" aria-label="Events">${all.events.slice(0, shown).map((e, i) => html`<li key=${i}><span class="m q">${when(arrival(pieces, e.at))}</span><b>${oneLine(e.type || (e.data === null ? "comment" : "message"))}</b>
		<span class="m">${visible(e.data ?? e.comment ?? "")}</span>${e.id !== null && html`<span class="q">id ${oneLine(e.id)}</span>`}</li>`)}</ol>${more(shown, all.events.length, set)}
		${all.rest && html`<p class="q pad">The last event has no end yet.</p>`}`;
}

export function JsonLines({ text, pieces }) {
	const [shown, set] = useState(ROWS_MAX);
	const all = useMemo(() => lines(text), [text]);
	return html`<ol class="frames" aria-label="Lines">${all.slice(0, shown).map((l, i) => html`<li key=${i}><span class="m q">${when(arrival(pieces, l.at))}</span><b>${i + 1}</b><span class="m">${visible(l.text)}</span></li>`)}</ol>${more(shown, all.length, set)}`;
}

// Both streams of a WebSocket, in the order in which their frames came.
async function readSocket(detail, signal) {
	const both = [];
	const accepted = detail.response?.received.find(([n]) => n.toLowerCase() === "sec-websocket-extensions")?.[1];
	const deflate = extensions(accepted);
	for (const [side, dir] of [["request", "up"], ["response", "down"]]) {
		if (!detail[side]?.body.bytes) continue;
		const { bytes } = await fetchBytes(`/v1/exchanges/${detail.id}/${side}/body?raw`, 10 * 1024 * 1024, signal);
		const pieces = await get(`/v1/exchanges/${detail.id}/${side}/pieces`, signal).catch(() => []);
		const cut = frames(bytes);
		const list = await messages(cut.frames, deflate, dir === "up" ? deflate?.clientFresh : deflate?.serverFresh);
		for (const m of list) both.push({ ...m, dir, us: arrival(pieces, m.at) });
		if (cut.fault) both.push({ dir, kind: "fault", text: cut.fault, us: null, wire: 0, bytes: new Uint8Array(0) });
	}
	return both.sort((a, b) => (a.us ?? 0) - (b.us ?? 0));
}

const KINDS = [["all", "All"], ["data", "Data"], ["up", "Up"], ["down", "Down"], ["control", "Control"]];
const control = (m) => ["ping", "pong", "close"].includes(m.kind);

export function Frames({ detail, side }) {
	const [which, setWhich] = useState(side === "request" ? "all" : "down");
	const [find, setFind] = useState("");
	const [shown, set] = useState(ROWS_MAX);
	const { data, error, again } = useAsk((signal) => readSocket(detail, signal), `${detail.id} ${detail.changed}`);
	if (error) return html`<${Fault} error=${error} again=${again} />`;
	if (!data) return html`<p class="pad q">Reading the frames</p>`;
	const low = find.toLowerCase();
	const list = data.filter((m) => (which === "all" || (which === "data" ? !control(m) : which === "control" ? control(m) : m.dir === which)) && (!low || (m.text ?? "").toLowerCase().includes(low)));
	return html`<div class="tools"><${Segments} label="Messages" options=${KINDS} value=${which} on=${setWhich} /><input type="search" aria-label="Find in messages" placeholder="Find in messages" value=${find} onInput=${(e) => setFind(e.target.value)} />
		<span class="q">${number(list.length)} of ${number(data.length)}</span></div>
		<ol class="frames" aria-label="Messages">${list.slice(0, shown).map((m, i) => html`<li key=${i} class=${m.dir}><span class="m q">${when(m.us)}</span><b class=${m.kind === "fault" ? "bad" : ""}><span aria-hidden="true">${m.dir === "up" ? "↑" : "↓"}</span><span class="vh">${m.dir}</span>
			${m.kind}${m.code ? ` ${m.code}` : ""}</b><span class="m">${m.text !== null ? visible(m.text.slice(0, 4000)) : Array.from(m.bytes.subarray(0, 48), (b) => b.toString(16).padStart(2, "0")).join(" ")}</span>
			<span class="q">${size(m.bytes.length)}${m.compressed ? `, ${size(m.wire)} deflated` : ""}${m.cut ? ", cut" : ""}</span></li>`)}</ol>${more(shown, list.length, set)}`;
}
