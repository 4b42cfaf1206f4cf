// SPDX-License-Identifier: Apache-2.0
// Who has changed what, by this dashboard or by commands.

import { useState } from "../vendor/vendor.js";
import { html } from "../lib/ui.js";
import { State } from "../lib/icons.js";
import { oneLine, visible } from "../lib/text.js";
import { full, number, plural } from "../lib/time.js";
import { useOp } from "./model.js";
import { Card, Page, Table, Search, None, fits } from "./parts.js";

export const Deed = ({ a }) => (a.code === "ok" ? html`<${State} state="ok" word="done" />` : html`<${State} state="refused" word=${oneLine(a.code)} />`);

export function AuditPage() {
	const { data, error, again } = useOp("audit");
	const [typed, setTyped] = useState("");
	const rows = data?.rows ?? [];
	const shown = rows.filter((a) => fits(typed, a.who, a.op, a.about, a.code));
	const lead = !data ? "Audit" : rows.length === 0 ? html`<b>Nobody has changed anything yet.</b>` : html`<b>${plural(rows.length, "change")}</b> by ${plural(new Set(rows.map((a) => a.who)).size, "session or user", "sessions and users")}; the newest first.`;
	return html`<${Page} lead=${lead} error=${error} again=${again}>${rows.length > 0 && html`<form class="acts" role="search" onSubmit=${(e) => e.preventDefault()}><${Search} value=${typed} on=${setTyped} label="Filter changes" placeholder="who, what, of what" /></form>
		<${Card} id="au" title="Changes" note=${number(shown.length)}>${shown.length ? html`<${Table} label="Table of changes" head=${[["Time", ""], ["Result", ""], ["What", ""], ["Of what", ""], ["Who", ""]]}>${shown.map((a, i) => html`<tr key=${i}><td class="m">${full(a.at_ms)}</td><td><${Deed} a=${a} /></td><td><code>${oneLine(a.op)}</code></td><td class="fluid m" title=${visible(a.about)}>${oneLine(a.about)}</td><td>${oneLine(a.who)}</td></tr>`)}</${Table}>` : html`<${None}>No change is like that.</${None}>`}</${Card}>`}
		<p class="q">Opening the head or body of a webhook is in it, too. Kept in <code>audit.log</code> of the state directory; the last 200 are here.</p></${Page}>`;
}
