// SPDX-License-Identifier: Apache-2.0
// The head of every page: its first word is the state; then the way of a webhook and the forwarding lines.

import { useState, useEffect } from "../vendor/vendor.js";
import { html, Icon, Copy, Kbd, useNow } from "../lib/ui.js";
import { Mark, State, shape, tone } from "../lib/icons.js";
import { useStore } from "../lib/store.js";
import { toggleTheme, isDark } from "../lib/theme.js";
import { shown } from "../lib/keys.js";
import { span, took, plural } from "../lib/time.js";
import { app, href, place } from "./model.js";

const NAMES = { online: "Online", failing: "Failing", connecting: "Connecting", reconnecting: "Reconnecting", stopped: "Stopped" };

function LinkState() {
	const { agent, live, gotAt } = useStore(app);
	const now = useNow();
	if (!agent || live === "away")
		return html`<p class="link-state" role="status"><${Icon} name="failing" tone="bad" /><strong class="bad">${agent ? "adit does not answer" : "Asking adit"}</strong>
			<span class="two cut hide-s">${agent ? "this page goes on by itself when it is back" : ""}</span></p>`;
	const age = agent.probe ? now - (gotAt - (agent.now_ms - agent.probe.at_ms)) : 0;
	const text = agent.state === "online" && agent.probe ? `asked through ${agent.edge} ${span(age)} ago, ${took(agent.probe.us)}`
		: `${agent.why || "no reason is known"}${agent.attempt ? `; attempt ${agent.attempt}${agent.again_ms ? `, next in ${span(agent.again_ms - (now - gotAt))}` : " runs"}` : ""}`;
	return html`<p class="link-state"><${Icon} name=${shape(agent.state)} tone=${tone(agent.state)} /><strong class=${tone(agent.state) === "ok" ? "" : tone(agent.state)} role="status">${NAMES[agent.state] ?? agent.state}</strong>
		<span class="two cut hide-s">${text}</span></p>`;
}

function Drift() {
	const { agent, gotAt } = useStore(app);
	const now = useNow(10000);
	if (!agent) return html`<span class="grow"></span>`;
	const up = agent.state === "online" || agent.state === "failing";
	return html`<ol class="drift grow" aria-label="The way of a webhook"><li>senders</li><li><b>${agent.edge}</b></li>
		<li class=${up ? "" : "cut-here"}>${up ? html`<span>link <b>${took(agent.link_us)}</b>, up ${span(agent.now_ms - agent.since_ms + (now - gotAt))}</span>` : html`<span class="bad">no link</span>`}</li>
		<li><b>this machine</b></li></ol>`;
}

function ThemeButton() {
	const [dark, set] = useState(isDark());
	return html`<button class="plain" type="button" aria-pressed=${String(dark)} onClick=${() => { toggleTheme(); set(isDark()); }}><${Icon} name="theme" /><span class="vh">Dark theme</span></button>`;
}

const PAGES = [["", "Requests"], ["inbox", "Inbox"], ["doctor", "Doctor"], ["sink", "Sink"]];

export function Top({ onPalette, onHelp }) {
	const { path } = useStore(place);
	const needs = useStore(app, (v) => v.agent?.counts?.needs_you) ?? 0;
	useEffect(() => {
		document.title = `${needs ? `${needs} need${needs === 1 ? "s" : ""} you, ` : ""}adit on ${location.host}`;
	}, [needs]);
	const here = { r: "", diff: "", edit: "", send: "" }[path[0]] ?? path[0] ?? "";
	return html`<header class="top"><a class="brand" href=${href("")}><${Mark} />adit</a><span class="sep hide-s"></span><${LinkState} /><${Drift} />
		<nav class="pages" aria-label="Pages">${PAGES.map(([id, name]) => html`<a key=${id} href=${id ? `#/${id}` : href("")} aria-current=${here === id ? "page" : undefined}>${name}</a>`)}</nav>
		<button class="hide-m" type="button" onClick=${onPalette}><${Icon} name="search" />Commands <${Kbd}>${shown("Mod+K")}</${Kbd}></button>
		<button class="plain hide-m" type="button" onClick=${onHelp}>Keys <${Kbd}>?</${Kbd}></button>
		<button class="plain narrow" type="button" onClick=${onPalette}><${Icon} name="search" label="Commands" /></button>
		<${ThemeButton} /></header>`;
}

function sum(t) {
	const f = t.figures ?? {};
	if (t.state !== "online") return [`${t.why || "no answer"}${t.store ? "; the edge keeps storing" : ""}`, "bad"];
	const inbox = [f.wait && `${f.wait} wait${f.wait === 1 ? "s" : ""}`, f.parked && `${f.parked} parked`].filter(Boolean).join(", ");
	const answers = t.us == null ? (t.kind === "http" ? "online, not asked yet" : "online") : `answers ${t.status} in ${took(t.us)}`;
	return [`${answers}; ${f.requests ? plural(f.requests, "request") : "nothing yet"}${f.open ? `, ${f.open} open` : ""}${f.p50_us ? `, p50 ${took(f.p50_us)}, p90 ${took(f.p90_us)}` : ""}${inbox ? `; ${inbox}` : ""}`, ""];
}

export function Lines() {
	const agent = useStore(app, (v) => v.agent);
	if (!agent?.tunnels.length) return null;
	return html`<section class="lines" aria-label="Forwarding"><ul>${agent.tunnels.map((t) => {
		const [text, bad] = sum(t);
		return html`<li key=${t.name}><${State} state=${t.state} /><b>${t.name}</b><a class="m cut" href=${t.url} target="_blank" rel="noreferrer noopener">${t.url}</a>
			<span class=${`arrow${t.state === "online" ? "" : " no"}`}></span><span class="m cut">${t.origin}</span><span class=${`sum cut ${bad}`} title=${text}>${text}</span>
			<${Copy} text=${t.url} what=${`of ${t.name}`} cls="tiny hide-s">Copy URL</${Copy}></li>`;
	})}</ul></section>`;
}

// Capture that was cut or is off is said where the list is.
export function CaptureNote() {
	const c = useStore(app, (v) => v.agent?.capture);
	if (!c || c.on) return null;
	return html`<p class="note wait strip" role="status"><b>New requests are not kept:</b> ${c.why || "capture is off"}. Traffic goes on.</p>`;
}
