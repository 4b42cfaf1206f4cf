// SPDX-License-Identifier: Apache-2.0
// Every tunnel: whether it is served, by whom, and how it does. Those that are away stay in the list.

import { useState } from "../vendor/vendor.js";
import { html, Icon, Menu, Segments, useNow } from "../lib/ui.js";
import { State } from "../lib/icons.js";
import { oneLine } from "../lib/text.js";
import { took, plural, number } from "../lib/time.js";
import { useOp, op, isOperator } from "./model.js";
import { Card, Page, Table, Search, Sure, Ago, None, act, fits } from "./parts.js";

// What the edge says, as the shape and the word of a state.
const STATES = { up: ["online", "online"], away: ["away", "away"], stopped: ["dropped", "stopped"], unused: ["unknown", "not seen"], released: ["none", "released"], disabled: ["refused", "disabled"] };

function lead(rows) {
	const n = (s) => rows.filter((r) => r.state === s).length;
	if (!rows.length) return html`<b>No tunnel is here yet.</b> An agent makes one: <code>adit http 8080</code>.`;
	const rest = [["stopped", "stopped by its agent"], ["unused", "not seen since the start"], ["disabled", "disabled"]].filter(([s]) => n(s)).map(([s, text]) => `${number(n(s))} ${text}`);
	return html`<b>${plural(n("up"), "tunnel is", "tunnels are")} online</b>${n("away") ? html`, <span class="wait">${number(n("away"))} ${n("away") === 1 ? "is" : "are"} away</span>` : ""}${rest.length ? `; ${rest.join(", ")}.` : "."}`;
}

const isPort = (name) => /^(tcp|tls|udp):\d+$/.test(name);

function Acts({ row, ask }) {
	const name = row.name;
	const items = [
		row.state === "up" && { name: "Disconnect", note: "its agent comes back at once", run: () => act(op("tunnel.disconnect", { name }), `The link of ${name} was ended.`) },
		row.state === "disabled" && { name: "Enable", note: "its agent is then started again", run: () => act(op("name.enable", { name }), `${name} is enabled.`) },
		!["released", "disabled"].includes(row.state) && !isPort(name) && { name: "Disable...", note: "switches it off until it is enabled", run: () => ask({ title: `Disable ${name}?`, word: name, verb: "Disable", text: "The agent is cut off and cannot open it; visitors and senders of webhooks are answered 403. What is stored waits.",
			run: () => act(op("name.disable", { name }), `${name} is disabled.`) }) },
		row.state !== "released" && { name: "Release...", note: "gives it up for good", run: () => ask({ title: `Release ${name}?`, word: name, verb: "Release", text: `The agent is cut off, and ${isPort(name) ? "the port is free for others" : "visitors are answered 410 Gone from then on"}. The account loses the name.`,
			run: () => act(isPort(name) ? op("port.release", { port: Number(name.split(":")[1]) }) : op("name.release", { name }), `${name} is released.`) }) },
	].filter(Boolean);
	return items.length ? html`<${Menu} label=${`Actions for ${name}`} items=${items} cls="plain"><${Icon} name="more" label=${`Actions for ${oneLine(name)}`} /></${Menu}>` : "";
}

const NAMES = [["", "All"], ["up", "Online"], ["away", "Away"], ["stopped", "Stopped"], ["unused", "Not seen"], ["disabled", "Disabled"]];

export function TunnelsPage() {
	const { data, error, again } = useOp("tunnel.list");
	const [typed, setTyped] = useState("");
	const [state, setState] = useState("");
	const [sure, setSure] = useState(null);
	const now = useNow(5000);
	const rows = data?.rows ?? [];
	const shown = rows.filter((r) => (!state || r.state === state) && fits(typed, r.name, r.account, r.who, r.state));
	const operator = isOperator();
	const head = [["State", ""], ["Tunnel", ""], ["Account", ""], ["Agent", ""], ["Since", ""], ["Last request", ""], ["Requests", "r"], ["Failed", "r"], ["p50", "r"], ["p99", "r"], ...(operator ? [["", "r"]] : [])];
	return html`<${Page} lead=${data ? lead(rows) : "Tunnels"} error=${error} again=${again}>
		${rows.length > 0 && html`<form class="acts" role="search" onSubmit=${(e) => e.preventDefault()}><${Search} value=${typed} on=${setTyped} label="Filter tunnels" placeholder="name, account, agent" /><${Segments} label="State" value=${state} on=${setState} options=${NAMES} /></form>
		<${Card} id="tu" title="Tunnels" note=${shown.length === rows.length ? number(rows.length) : `${number(shown.length)} of ${number(rows.length)}`}>${shown.length === 0 ? html`<${None}>No tunnel is like that.</${None}>` : html`<${Table} label="Table of tunnels" head=${head}>${shown.map((r) => html`<tr key=${r.name} class=${r.state === "released" ? "gone" : ""}>
			<td><${State} state=${STATES[r.state]?.[0] ?? "unknown"} word=${STATES[r.state]?.[1] ?? r.state} /></td><td><b class="m">${oneLine(r.name)}</b></td><td>${oneLine(r.account)}</td><td class="fluid" data-l="agent">${r.who ? oneLine(r.who) : html`<span class="q">-</span>`}</td>
			<td data-l="since">${r.since_ms > 0 ? html`<${Ago} ms=${r.since_ms} now=${now} />` : html`<span class="q">-</span>`}</td><td data-l="last request"><${Ago} ms=${r.last_ms} now=${now} /></td><td class="r" data-l="requests">${number(r.requests)}</td><td class=${`r ${r.failed ? "bad" : "q"}`} data-l="failed">${number(r.failed)}</td>
			<td class="m r" data-l="p50">${r.requests ? took(r.p50_us) : "-"}</td><td class="m r" data-l="p99">${r.requests ? took(r.p99_us) : "-"}</td>${operator && html`<td class="r menu-cell"><${Acts} row=${r} ask=${setSure} /></td>`}</tr>`)}</${Table}>`}${data.more && html`<${None}>There are more: <code>aditd tunnel list</code> prints them all.</${None}>`}</${Card}>`}
		<p class="q">Away: the agent is lost; what is stored waits, other visitors are answered 503. Stopped: its agent has ended it. Disabled: an operator has switched it off, visitors are answered 403. Figures count since the edge was started.</p>
		${sure && html`<${Sure} ...${sure} onClose=${() => setSure(null)} />`}</${Page}>`;
}
