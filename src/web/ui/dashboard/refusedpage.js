// SPDX-License-Identifier: Apache-2.0
// What the edge has refused, and why, grouped by tunnel and reason.

import { useState } from "../vendor/vendor.js";
import { html, useNow } from "../lib/ui.js";
import { oneLine, visible } from "../lib/text.js";
import { number, plural } from "../lib/time.js";
import { useOp } from "./model.js";
import { Card, Page, Table, Search, Ago, None, fits } from "./parts.js";

export function RefusedPage() {
	const { data, error, again } = useOp("refused");
	const [typed, setTyped] = useState("");
	const now = useNow(5000);
	const rows = data?.rows ?? [];
	const shown = rows.filter((r) => fits(typed, r.tunnel, r.code, r.peer, r.agent, r.text));
	const all = rows.reduce((n, r) => n + r.count, 0);
	const lead = !data ? "Refused" : all === 0 ? html`<b>Nothing was refused</b> since the edge was started.` : html`<b>${plural(all, "request was", "requests were")} refused</b> for ${plural(new Set(rows.map((r) => r.tunnel)).size, "tunnel")}; the newest first.`;
	return html`<${Page} lead=${lead} error=${error} again=${again}>${rows.length > 0 && html`<form class="acts" role="search" onSubmit=${(e) => e.preventDefault()}><${Search} value=${typed} on=${setTyped} label="Filter what was refused" placeholder="tunnel, code, sender" /></form>
		<${Card} id="rf" title="By tunnel and reason" note=${number(shown.length)}>${shown.length === 0 ? html`<${None}>Nothing is like that.</${None}>` : html`<${Table} label="Table of what was refused" head=${[["Last", ""], ["Tunnel", ""], ["Code", ""], ["Times", "r"], ["What happened", ""], ["Sender", ""], ["Calls itself", ""]]}>${shown.map((r, i) => html`<tr key=${i}>
			<td><${Ago} ms=${r.at_ms} now=${now} /></td><td><b class="m">${oneLine(r.tunnel)}</b></td><td><code>${oneLine(r.code)}</code></td><td class="r" data-l="times">${number(r.count)}</td><td class="fluid" title=${visible(r.text)}>${oneLine(r.text)}</td><td class="m" data-l="sender">${oneLine(r.peer)}</td><td class="two agent-cell" title=${oneLine(r.agent)}>${oneLine(r.agent)}</td></tr>`)}</${Table}>`}</${Card}>`}
		<p class="q">Kept in memory, a few for each tunnel. What a code means, and what to do: <code>adit doctor</code> on the agent's machine.</p></${Page}>`;
}
