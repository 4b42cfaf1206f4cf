// SPDX-License-Identifier: Apache-2.0
// Everything has a limit: what is used now, and all limits as they are compiled in.

import { useState } from "../vendor/vendor.js";
import { html } from "../lib/ui.js";
import { useStore } from "../lib/store.js";
import { number, plural } from "../lib/time.js";
import { app, useOp } from "./model.js";
import { Card, Page, Table, Search, Bar, None, fits } from "./parts.js";

export function LimitsPage() {
	const { data, error, again } = useOp("limits", {}, 0);
	const use = useStore(app, (v) => v.look?.view?.use);
	const [typed, setTyped] = useState("");
	const rows = data?.rows ?? [];
	const shown = rows.filter((r) => fits(typed, r.name, r.what, r.unit));
	const near = use?.filter((u) => u.used > 0.9 * u.limit) ?? [];
	const lead = html`<b>Everything has a limit.</b> ${use ? (near.length ? html`<span class="wait">${plural(near.length, "one is", "of them are")} nearly reached.</span>` : "None is near.") : ""}`;
	return html`<${Page} lead=${lead} error=${error} again=${again}>${use && html`<${Card} id="us" title="Use now"><${Table} label="Use of ceilings" head=${[["What", ""], ["Use", ""], ["Of", "r"]]}>${use.map((u) => html`<tr key=${u.name}><td>${u.name[0].toUpperCase() + u.name.slice(1)}</td><td class="fluid"><${Bar} used=${u.used} limit=${u.limit} /></td><td class="r">${number(u.used)} of ${number(u.limit)}</td></tr>`)}</${Table}></${Card}>`}
		${data && html`<form class="acts" role="search" onSubmit=${(e) => e.preventDefault()}><${Search} value=${typed} on=${setTyped} label="Filter limits" placeholder="name or what it holds back" /></form>
		<${Card} id="al" title="All limits" note=${`${number(shown.length)}, as compiled into this aditd`}>${shown.length ? html`<${Table} label="Table of limits" head=${[["Name", ""], ["Value", "r"], ["Unit", ""], ["Of what", ""]]}>${shown.map((r) => html`<tr key=${r.name}><td class="m">${r.name}</td><td class="m r">${number(r.value)}</td><td>${r.unit}</td><td class="fluid what-cell">${r.what}</td></tr>`)}</${Table}>` : html`<${None}>No limit is called so.</${None}>`}</${Card}>`}</${Page}>`;
}
