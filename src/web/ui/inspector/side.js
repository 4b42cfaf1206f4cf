// SPDX-License-Identifier: Apache-2.0
// One side of an exchange: start line, headers, trailers, and the body in the view that fits.

import { useState } from "../vendor/vendor.js";
import { html, Copy, Segments, sayFault } from "../lib/ui.js";
import { post } from "../lib/api.js";
import { oneLine, visible } from "../lib/text.js";
import { size } from "../lib/time.js";
import { Body, viewsOf } from "./body.js";

const CUTS = { size: "it is larger than what is kept of one body", disk: "the disk was too slow", rate: "too much came at once" };

function Hidden({ id, where, name, index }) {
	const [value, set] = useState(null);
	const show = () => post(`/v1/exchanges/${id}/reveal`, { where, name, index }).then((a) => set(a.value), sayFault);
	if (value !== null) return html`<span>${visible(value)}</span> <button type="button" class="tiny" onClick=${() => set(null)}>Hide<span class="vh"> ${name}</span></button>`;
	return html`<span class="hid">hidden</span> <button type="button" class="tiny" onClick=${show}>Show<span class="vh"> ${name}</span></button>`;
}

// The target with its path, keys and values told apart; hidden values can be shown one by one.
function Target({ id, target }) {
	const [path, query] = target.split(/\?(.*)/s);
	if (query === undefined) return visible(path);
	return html`${visible(path)}<span class="q">?</span>${query.split("&").map((pair, i) => {
		const [name, value] = pair.split(/=(.*)/s);
		return html`<span key=${i}>${i ? html`<span class="q">&</span>` : ""}<span class="qk">${visible(name)}</span>${value === undefined ? "" : html`<span class="q">=</span>`}${value === "(hidden)"
			? html`<${Hidden} id=${id} where="query" name=${name} index=${i} />` : visible(value ?? "")}</span>`;
	})}`;
}

function Start({ id, line, side }) {
	const parts = line.split(" ");
	if (side === "response") {
		const tone = parts[1] >= "400" ? "bad" : "ok";
		return html`<p class="start m">${visible(parts[0])} <b class=${tone}>${visible(parts[1] ?? "")}</b> ${visible(parts.slice(2).join(" "))}</p>`;
	}
	return html`<p class="start m"><b class="me">${visible(parts[0])}</b> <${Target} id=${id} target=${parts.slice(1, -1).join(" ")} /> <span class="q">${visible(parts.at(-1) ?? "")}</span></p>`;
}

const key = ([n, v]) => `${n.toLowerCase()}: ${v}`;

function Headers({ detail, part, side, name = "Headers", list }) {
	const [wire, setWire] = useState("received");
	const received = list ?? part.received;
	const sent = list ? null : part.sent;
	const shown = wire === "sent" && sent ? sent : received;
	const there = new Set(received.map(key));
	const left = new Set((sent ?? received).map(key));
	const counts = {};
	return html`<div class="fold"><details open><summary>${name} <span class="q">${shown.length}</span></summary>
		<table class="kv"><tbody>${shown.map((h, i) => {
			const [n, v, hidden] = h;
			const index = (counts[n.toLowerCase()] = (counts[n.toLowerCase()] ?? -1) + 1);
			const note = wire === "sent" && sent && !there.has(key(h)) ? "by adit" : wire === "received" && sent && !left.has(key(h)) ? "changed on the way" : "";
			return html`<tr key=${i}><th scope="row">${oneLine(n)}</th><td>${hidden ? html`<${Hidden} id=${detail.id} where=${side} name=${n} index=${index} />` : visible(v)}
				${note && html` <span class="q">${note}</span>`}</td></tr>`;
		})}</tbody></table>
		</details>
		<span class="fold-acts"><${Copy} text=${() => shown.map(([n, v, hid]) => `${n}: ${hid ? "(hidden)" : v}`).join("\n")} what=${`${name.toLowerCase()} of the ${side}`} cls="tiny on-hover">Copy</${Copy}>
		${sent && html`<${Segments} label="Headers as they" options=${[["received", "Came"], ["sent", "Went on"]]} value=${wire} on=${setWire} />`}</span></div>`;
}

// What the edge refused or still keeps never came to this machine.
function OnlyEdge({ detail }) {
	if (detail.delivery) return html`<span>The edge keeps it, and nothing of it came here yet: see <a href=${`#/inbox/${detail.delivery}`}>delivery ${detail.delivery}</a>.</span>`;
	return html`<span>Only the edge saw it: ${oneLine(detail.method)} ${oneLine(detail.path)}${detail.peer ? `, from ${oneLine(detail.peer)}` : ""}, ${size(detail.tx_bytes)}. Its headers and body are not kept.</span>`;
}

export function Side({ detail, side, head }) {
	const part = detail[side];
	const views = part ? viewsOf(detail, side) : [];
	const [wanted, setWanted] = useState(null);
	const current = views.some(([id]) => id === wanted) ? wanted : views[0]?.[0];
	const title = side === "request" ? "Request" : "Response";
	if (!part)
		return html`<section class="pane" tabindex="0" aria-label=${title}><header class="phead"><h3>${title}</h3>${head}</header><p class="pad two">${side === "request" ? html`<${OnlyEdge} detail=${detail} />`
			: detail.state === "refused" ? "The edge refused it; the origin never saw it." : detail.took_us < 0 || detail.state === "queued" ? "There is no answer yet." : "There was no answer."}</p></section>`;
	const b = part.body;
	return html`<section class="pane" tabindex="0" aria-label=${title}><header class="phead"><h3>${title}</h3>${head ?? html`<span class="q cut">${b.total ? size(b.total) : "no body"}${b.cut ? `, ${size(b.bytes)} kept` : ""}</span>`}
		<span class="grow"></span>${views.length > 1 && html`<${Segments} label="Show body as" options=${views} value=${current} on=${setWanted} />`}</header>
		<${Start} id=${detail.id} line=${part.line} side=${side} />
		<${Headers} detail=${detail} part=${part} side=${side} />
		${b.cut && html`<p class="note wait strip">The body ends after ${size(b.bytes)} of ${size(b.total)}: ${CUTS[b.cut] ?? b.cut}.</p>`}
		${(b.bytes > 0 || b.total > 0) && html`<details open><summary>Body <span class="q">${oneLine(b.type || "no type")}${b.coding ? `, ${oneLine(b.coding)}` : ""}, ${size(b.bytes)}</span></summary>
			<${Body} key=${`${detail.id} ${side} ${detail.took_us < 0 ? detail.changed : ""}`} detail=${detail} side=${side} view=${current} /></details>`}
		${part.trailers?.length > 0 && html`<${Headers} detail=${detail} part=${part} side=${side} name="Trailers" list=${part.trailers} />`}</section>`;
}
