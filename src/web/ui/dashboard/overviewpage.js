// SPDX-License-Identifier: Apache-2.0
// The edge on one page: a sentence, what is wrong, and then figures.

import { html, Icon, Cmd, useNow } from "../lib/ui.js";
import { useStore } from "../lib/store.js";
import { visible, oneLine } from "../lib/text.js";
import { span, took, size, plural, number, full } from "../lib/time.js";
import { app, href, useOp } from "./model.js";
import { Card, Page, Table, Bar, None } from "./parts.js";

function lead(view) {
	const all = view.tunnels.up + view.tunnels.away;
	const n = view.problems.length;
	const bad = view.problems.some((p) => p.level === "bad");
	const inbox = view.inbox;
	const tunnels = all === 0 ? html`<b>No tunnel is here yet</b>` : html`<b>${view.tunnels.up === all ? plural(all, "tunnel is", "tunnels are") : `${number(view.tunnels.up)} of ${plural(all, "tunnel is", "tunnels are")}`} online</b>`;
	return html`${tunnels}${n ? html` and <span class=${bad ? "bad" : "wait"}>${n === 1 ? "one thing needs you" : `${number(n)} things need you`}</span>.` : ", and nothing is wrong."}${inbox && (inbox.queued
		? ` The inbox holds ${plural(inbox.queued, "waiting webhook")}.` : inbox.parked + inbox.dead === 0 ? " No webhook waits." : "")}`;
}

// Where more of it stands.
const PAGE_OF = { "agent-away": ["tunnels", "Tunnels"], parked: ["inbox", "Inbox"], "given-up": ["inbox", "Inbox"], "inbox-old": ["inbox", "Inbox"], "limit-near": ["limits", "Limits"] };
const pageOf = (code) => PAGE_OF[code] ?? (code.startsWith("certificate-") ? ["certificates", "Certificates"] : null);

function Wrong({ problems, now }) {
	if (!problems.length)
		return html`<ul class="wrongs"><li><${Icon} name="delivered" tone="ok" /><div><p><b>Nothing is wrong.</b></p><p>Looked at: the store, certificates, tunnels, the inbox, ceilings, the last reload.</p></div><span></span></li></ul>`;
	// The code of an agent's loss names a place and no command.
	const isCommand = (text) => /^(sudo )?aditd? /.test(text);
	return html`<ol class="wrongs">${problems.map((p, i) => {
		const text = visible(p.text);
		const end = text.search(/[.:](\s|$)/) + 1 || text.length;
		return html`<li key=${i}><${Icon} name=${p.level === "bad" ? "failing" : ["parked", "given-up"].includes(p.code) ? "parked" : "open"} tone=${p.level === "bad" ? "bad" : "wait"} label=${p.level === "bad" ? "bad" : "warning"} /><div><p><b>${text.slice(0, end)}</b></p><p><code>${p.code}</code> ${text.slice(end)}${p.todo && !isCommand(p.todo) ? ` ${p.todo.charAt(0).toUpperCase()}${visible(p.todo).slice(1)}.` : ""}${pageOf(p.code) && html` <a href=${href(pageOf(p.code)[0])}>${pageOf(p.code)[1]}</a>`}</p>
			${p.todo && isCommand(p.todo) && html`<${Cmd} text=${oneLine(p.todo)} />`}</div><span class="q">${p.since_ms > 0 ? `for ${span(now - p.since_ms)}` : ""}</span></li>`;
	})}</ol>`;
}

// A line through values; of fewer than two the ground alone.
function Spark({ values }) {
	const most = Math.max(...values, 1e-9);
	const line = values.length < 2 ? "" : values.map((v, i) => `L${((200 * i) / (values.length - 1)).toFixed(1)} ${(40 - (36 * v) / most).toFixed(1)}`).join(" ").slice(1);
	return html`<svg class="spark" viewBox="0 0 200 40" preserveAspectRatio="none" aria-hidden="true">${line && html`<path class="a" d=${`M0 40 L${line} L200 40z`} />`}<line x1="0" x2="200" y1="40" y2="40" />${line && html`<path d=${`M${line}`} />`}</svg>`;
}

const rates = (samples, key) => samples.slice(1).map((s, i) => Math.max(0, (1000 * (s[key] - samples[i][key])) / Math.max(1, s.at - samples[i].at)));
const rate = (x) => (x === 0 ? "0" : x < 10 ? x.toFixed(1) : number(Math.round(x)));

function Figures({ view, samples }) {
	const requests = rates(samples, "requests");
	const stored = rates(samples, "stored");
	const refused = rates(samples, "refused");
	const r = view.requests;
	return html`<dl class="multi"><div><dt>Requests a second</dt><dd>${requests.length ? rate(requests.at(-1)) : "-"} <small>${number(r.all)} since the start${r.failed ? html`, <span class="bad">${number(r.failed)} failed</span>` : ""}${r.all ? `; half in ${took(r.p50_us)}, p99 ${took(r.p99_us)}` : ""}</small></dd><dd><${Spark} values=${requests} /></dd></div>
		<div><dt>Webhooks stored</dt><dd>${number(view.stored)} <small>${view.inbox ? `${number(view.inbox.delivered)} of those kept are delivered` : ""}</small></dd><dd><${Spark} values=${stored} /></dd></div>
		<div><dt>Refused</dt><dd>${number(r.refused)} <small>${view.bad_signatures ? `and ${plural(view.bad_signatures, "wrong signature")}` : "no wrong signature"}</small></dd><dd><${Spark} values=${refused} /></dd></div>
		<div><dt>Memory</dt><dd>${size(view.memory_bytes)} <small>${plural(view.links, "agent")}, ${plural(view.visitors, "visitor")}</small></dd><dd><${Spark} values=${samples.map((s) => s.memory)} /></dd></div></dl>`;
}

function LastRefused() {
	const { data } = useOp("refused");
	const rows = data?.rows.slice(0, 8) ?? [];
	if (!rows.length) return html`<${None}>Nothing was refused since the start.</${None}>`;
	return html`<${Table} label="What was refused last" head=${[["Time", ""], ["Tunnel", ""], ["Why", ""]]}>${rows.map((x, i) => html`<tr key=${i}><td class="m">${full(x.at_ms)}</td><td><b>${oneLine(x.tunnel)}</b></td><td class="fluid"><code>${x.code}</code> ${oneLine(x.text)}</td></tr>`)}</${Table}>`;
}

function LastChanges() {
	const { data } = useOp("audit");
	const rows = data?.rows.slice(0, 8) ?? [];
	if (!rows.length) return html`<${None}>Nobody has changed anything yet.</${None}>`;
	return html`<${Table} label="What was changed last" head=${[["Time", ""], ["Change", ""], ["Who", ""]]}>${rows.map((a, i) => html`<tr key=${i}><td class="m">${full(a.at_ms)}</td><td class="fluid"><code>${oneLine(a.op)}</code> ${oneLine(a.about)}${a.code === "ok" ? "" : html` <span class="bad">${oneLine(a.code)}</span>`}</td><td>${oneLine(a.who)}</td></tr>`)}</${Table}>`;
}

export function OverviewPage() {
	const { look, samples } = useStore(app);
	const now = useNow(10000);
	const view = look?.view;
	if (!view) return html`<${Page} lead="Asking the edge" />`;
	return html`<${Page} lead=${lead(view)}><${Card} id="wr" title="What is wrong, worst first"><${Wrong} problems=${view.problems} now=${now} /></${Card}>
		<${Card} id="fi" title="Now" note="rates since this page was opened"><${Figures} view=${view} samples=${samples} /></${Card}>
		<div class="cols"><${Card} id="ch" title="What was changed" tools=${html`<a href=${href("audit")}>Audit</a>`}><${LastChanges} /></${Card}><${Card} id="li" title="Use against ceilings" tools=${html`<a href=${href("limits")}>All limits</a>`}><${Table} label="Ceilings" head=${[["What", ""], ["Use", ""], ["Of", "r"]]}>${view.use.map((u) => html`<tr key=${u.name}><td>${u.name[0].toUpperCase() + u.name.slice(1)}</td><td class="fluid"><${Bar} used=${u.used} limit=${u.limit} /></td><td class="r">${number(u.used)} of ${number(u.limit)}</td></tr>`)}</${Table}></${Card}>
		</div><${Card} id="re" title="Refused last" tools=${html`<a href=${href("refused")}>All</a>`}><${LastRefused} /></${Card}></${Page}>`;
}
