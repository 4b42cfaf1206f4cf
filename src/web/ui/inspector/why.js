// SPDX-License-Identifier: Apache-2.0
// The card that answers one question: why did it not build? And the attempts of a delivery, as a line of time.

import { html, Icon } from "../lib/ui.js";
import { shape, tone } from "../lib/icons.js";
import { clock, span, took } from "../lib/time.js";
import { oneLine, visible } from "../lib/text.js";
import { href } from "./model.js";
import { replay } from "./actions.js";

const MARKS = { ok: ["delivered", "ok", "done"], failed: ["dead", "bad", "stopped here"], none: ["skip", "q", "not reached"], open: ["retrying", "wait", "happens now"] };

export function Why({ why, row }) {
	const asks = why.state === "ok" ? "What became of it?" : "Why did it not build?";
	return html`<section class=${`why w-${why.state}`} aria-labelledby="why"><header><p id="why">${asks}</p><h3>${oneLine(why.title)}</h3></header>
		<ol class="steps">${why.steps.map((s) => {
			const [icon, colour, word] = MARKS[s.state] ?? MARKS.none;
			return html`<li key=${s.name} class=${s.state === "failed" ? "stop" : ""}><${Icon} name=${icon} tone=${colour} label=${word} /><span>${s.name}</span><span
				class=${s.state === "none" ? "two" : ""}>${visible(s.text)}</span></li>`;
		})}</ol>
		${(why.advice || why.actions?.length > 0) && html`<div class="remedy">${why.advice && html`<p>${visible(why.advice)}</p>`}<div class="acts">
			${why.actions?.includes("replay") && html`<button type="button" onClick=${() => replay(row.id)}>Replay after the change</button>`}
			${why.actions?.includes("doctor") && html`<a class="btn plain" href=${`#/doctor/${encodeURIComponent(row.tunnel)}`}>Run doctor</a>`}</div></div>`}</section>`;
}

const nameOf = (a) => (a.n ? html`<b>${a.n}</b> ` : "");

function said(a) {
	const time = a.took_us > 0 ? ` in ${took(a.took_us)}` : "";
	if (a.state === "queued" && !a.n) return html`<b>${oneLine(a.text || "stored")}</b>`;
	const ends = ["parked", "dead", "dropped", "delivered"].includes(a.state) ? html`, <b>${a.state}</b>` : "";
	return html`${nameOf(a)}${a.status ? html`<b class="st-n">${a.status}</b>${time}` : ""}${a.text ? html`${a.status ? ", " : ""}${oneLine(a.text)}` : ""}${ends}`;
}

// One line: each attempt with its answer, and the pause before the next.
export function Attempts({ detail, children }) {
	const list = detail.attempts ?? [];
	if (list.length < 2 && !children.length) return null;
	const out = [];
	list.forEach((a, i) => {
		const before = list[i - 1];
		if (before && a.at_ms - before.at_ms >= 1000) out.push(html`<li key=${`p${i}`} class="pause">${span(a.at_ms - before.at_ms)}</li>`);
		const here = html`<${Icon} name=${shape(a.state)} tone=${tone(a.state)} /><span class="m">${clock(a.at_ms)}</span> <span>${said(a)}</span>`;
		out.push(html`<li key=${i}>${a.row && a.row !== detail.id ? html`<a class="cell" href=${href(`r/${a.row}`)}>${here}</a>` : here}</li>`);
	});
	children.forEach((r) => out.push(html`<li key=${`c${r.id}`} class="made"><a class="cell made" href=${href(`r/${r.id}`)}><${Icon} name="child" /><span class="m">${clock(r.at_ms)}</span> replay
		#${r.id}: ${r.status ?? r.state}</a></li>`));
	const counted = list.filter((a) => a.n).length;
	return html`<ol class="gallery" tabindex="0" aria-label=${`Attempts, ${counted} counted`}>${out}</ol>`;
}

const PHASES = [["head_in", "Request read"], ["origin", "Asked the origin"], ["head_out", "Origin's answer began"], ["end", "Answer ended"]];

// Where the time went, as bars on one scale.
export function Times({ times }) {
	const all = times?.end ?? times?.head_out ?? times?.origin ?? 0;
	if (!all) return null;
	let from = 0;
	const bars = PHASES.filter(([k]) => times[k] !== undefined && times[k] !== null).map(([k, name]) => {
		const bar = { name, from, to: times[k] };
		from = times[k];
		return bar;
	});
	return html`<section class="times" aria-labelledby="times"><h3 id="times">Time <span class="q">${times.end === undefined ? "it runs" : took(times.end)}</span></h3>
		<table class="kv"><tbody>${bars.map((b) => html`<tr key=${b.name}><th scope="row">${b.name}</th><td class="r m">${took(b.to - b.from)}</td><td class="t-bar"><svg viewBox="0 0 100 8"
			preserveAspectRatio="none" aria-hidden="true"><rect x="0" y="0" width="100" height="8" /><rect x=${(b.from / all) * 100} y="0" width=${Math.max(0.8, ((b.to - b.from) / all) * 100)} height="8" /></svg></td></tr>`)}</tbody></table></section>`;
}
