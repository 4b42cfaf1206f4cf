// SPDX-License-Identifier: Apache-2.0
// The settings that hold now, by the parts of aditd.yml.

import { useState } from "../vendor/vendor.js";
import { html, sayFault, say } from "../lib/ui.js";
import { oneLine } from "../lib/text.js";
import { plural } from "../lib/time.js";
import { op, useOp, isOperator, changed } from "./model.js";
import { Card, Page, Search, None, fits } from "./parts.js";

function parts(rows) {
	const groups = new Map();
	for (const r of rows) {
		const dot = r.key.indexOf(".");
		const name = dot < 0 ? "" : r.key.slice(0, dot);
		groups.set(name, [...(groups.get(name) ?? []), { key: dot < 0 ? r.key : r.key.slice(dot + 1), value: r.value }]);
	}
	return [...groups].sort(([a], [b]) => a.localeCompare(b));
}

const valueOf = (v) => (v === "" ? html`<span class="q">not set</span>` : v === "(set, not shown)" ? html`<span class="hid">set, not shown</span>` : typeof v === "boolean" ? (v ? "yes" : "no") : oneLine(v));

export function ConfigurationPage() {
	const { data, error, again } = useOp("config", {}, 0);
	const [typed, setTyped] = useState("");
	const rows = (data?.rows ?? []).filter((r) => fits(typed, r.key, r.value));
	const reload = () => op("reload").then((a) => { say(a.text || "The configuration was read again."); changed(); again(); }, sayFault);
	return html`<${Page} lead=${html`<b>The settings that hold now,</b> as they were read or by default. ${data ? `${plural(data.rows.length, "value")}; what can hold a secret is not shown.` : ""}`} error=${error} again=${again}>
		<form class="acts" role="search" onSubmit=${(e) => e.preventDefault()}><${Search} value=${typed} on=${setTyped} label="Filter settings" placeholder="key or value" />${isOperator() && html`<button type="button" onClick=${reload}>Reload</button><span class="two">Read first on the side; what holds changes only if all of it is right.</span>`}</form>
		${data && rows.length === 0 && html`<${None}>No setting is called so.</${None}>`}
		<div class="settings">${parts(rows).map(([name, list]) => html`<${Card} key=${name} id=${`cf-${name || "top"}`} title=${name ? html`<span class="m">${name}:</span>` : "At the top"}><table class="kv"><tbody>${list.map((r, i) => html`<tr key=${i}><th scope="row">${r.key}</th><td>${valueOf(r.value)}</td></tr>`)}</tbody></table></${Card}>`)}</div>
		<p class="q">Each key is explained in <code>aditd.yml(5)</code>; <code>aditd config show</code> prints the same.</p></${Page}>`;
}
