// SPDX-License-Identifier: Apache-2.0
// Doctor's report: it walks from the hook to the job and stops where it breaks.

import { useState } from "../vendor/vendor.js";
import { html, Icon, Cmd, Fault } from "../lib/ui.js";
import { post } from "../lib/api.js";
import { useAsk, useStore } from "../lib/store.js";
import { visible } from "../lib/text.js";
import { full, took } from "../lib/time.js";
import { app, go } from "./model.js";

const MARKS = { ok: ["delivered", "ok", "right"], failed: ["dead", "bad", "wrong"], wait: ["failing", "wait", "to be looked at"], none: ["skip", "q", "not asked"], open: ["retrying", "wait", "unknown"] };

export function DoctorPage({ tunnel }) {
	const agent = useStore(app, (v) => v.agent);
	const name = tunnel ?? agent?.tunnels[0]?.name;
	const [turn, setTurn] = useState(0);
	const { data, error } = useAsk((signal) => (name ? post("/v1/doctor", { tunnel: name }, signal) : new Promise(() => {})), `${name} ${turn}`);
	return html`<main class="page" id="main" tabindex="-1"><div class="acts"><h1 class="lead">${data ? html`<b>${visible(data.title)}</b>` : error ? html`<b>Doctor could not run.</b>` : html`<b>Doctor walks from the hook to the job.</b> This takes some seconds.`}</h1></div>
		<div class="acts"><label class="inline" for="dt">Tunnel</label><select id="dt" value=${name} onChange=${(e) => go(`doctor/${encodeURIComponent(e.target.value)}`, "")}>${(agent?.tunnels ?? []).map((t) => html`<option key=${t.name} value=${t.name}>${t.name}</option>`)}</select>
			<button type="button" onClick=${() => setTurn(turn + 1)}>Run again</button>${data && html`<span class="q">${full(data.at_ms)}, took ${took(data.took_us)}</span>`}</div>
		${error && html`<${Fault} error=${error} again=${() => setTurn(turn + 1)} />`}
		${data && html`<ol class="card wrongs doctor" aria-label="Steps">${data.steps.map((s) => {
			const [icon, colour, word] = MARKS[s.state] ?? MARKS.none;
			return html`<li key=${s.name} class=${s.state === "failed" ? "failed" : ""}><${Icon} name=${icon} tone=${colour} label=${word} /><div><p><b>${s.name}</b> <span class=${s.state === "none" ? "q" : ""}>${visible(s.text)}</span></p>${s.advice && html`<p>${visible(s.advice)}</p>`}${s.command && html`<${Cmd} text=${s.command} />`}</div>
				<span class="q m">${s.state === "none" || !s.took_us ? "" : took(s.took_us)}</span></li>`;
		})}</ol>
		<p class="q">The same on the command line: <code>adit doctor ${name}</code></p>`}</main>`;
}
