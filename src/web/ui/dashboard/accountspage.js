// SPDX-License-Identifier: Apache-2.0
// Accounts: their tokens (each shown once, when it is made), names and domains; and who uses this dashboard.

import { useState } from "../vendor/vendor.js";
import { html, Copy, sayFault, useNow } from "../lib/ui.js";
import { State } from "../lib/icons.js";
import { oneLine } from "../lib/text.js";
import { full, span, plural, number } from "../lib/time.js";
import { app, useOp, op, isOperator, mayChange, changed } from "./model.js";
import { Card, Page, Table, Search, Sure, Ago, None, act, fits } from "./parts.js";

const isOver = (t, now) => t.revoked || (t.expires_ms > 0 && t.expires_ms < now);

function tokenState(t, now) {
	if (t.revoked) return ["dropped", "revoked"];
	return isOver(t, now) ? ["bad", "expired"] : ["ok", "valid"];
}

// What is shown once: it is nowhere else afterwards.
function Secret({ title, text, note, onClose }) {
	return html`<section class="card once" aria-labelledby="on"><header><h2 id="on">${title}</h2><span class="grow"></span><button type="button" onClick=${onClose}>I have it</button></header><div class="pad"><div class="cmd"><code tabindex="0">${text}</code><${Copy} text=${text} what="it" cls="">Copy</${Copy}></div><p class="two">${note}</p></div></section>`;
}

function NewToken({ onMade }) {
	const account = app.value.session?.account ?? "";
	const [form, set] = useState({ account, label: "", days: "" });
	const field = (key) => ({ id: `nt-${key}`, type: "text", autocomplete: "off", value: form[key], onInput: (e) => set({ ...form, [key]: e.target.value }) });
	const ready = form.account.trim() && /^\d{0,5}$/.test(form.days.trim());
	const make = (e) => {
		e.preventDefault();
		if (!ready) return;
		op("token.add", { account: form.account.trim(), label: form.label.trim(), ...(form.days.trim() ? { days: Number(form.days) } : {}) }).then((answer) => {
			onMade(answer);
			set({ account, label: "", days: "" });
			changed();
		}, sayFault);
	};
	return html`<form class="pad new-token" onSubmit=${make}>${!account && html`<div class="field"><label for="nt-account">Account</label><input ...${field("account")} /></div>`}<div class="field"><label for="nt-label">Label</label><input ...${field("label")} placeholder="where it is used" /></div>
		<div class="field"><label for="nt-days">Days, empty: no end</label><input ...${field("days")} inputmode="numeric" /></div><button type="submit" class="primary" disabled=${!ready}>Make a token</button></form>`;
}

function Tokens({ rows, more, typed, now, ask }) {
	const shown = rows.filter((t) => fits(typed, t.id, t.account, t.label)).sort((a, b) => isOver(a, now) - isOver(b, now) || a.account.localeCompare(b.account));
	const operator = isOperator();
	const revoke = (t) => ask({ title: `Revoke token ${t.id}?`, verb: "Revoke", text: `It belongs to ${t.account}${t.label ? ` (${t.label})` : ""}. Links that logged in with it end at once, and nobody can log in with it any more.`, run: () => act(op("token.revoke", { id: t.id }), `Token ${t.id} is revoked.`) });
	if (!shown.length) return html`<${None}>There is no such token.</${None}>`;
	return html`<${Table} label="Table of tokens" head=${[["State", ""], ["Account", ""], ["Label", ""], ["Token", ""], ["Last used", ""], ["Made", ""], ["Ends", ""], ...(operator ? [["", "r"]] : [])]}>${shown.map((t) => {
		const [state, word] = tokenState(t, now);
		return html`<tr key=${t.id} class=${isOver(t, now) ? "gone" : ""}><td><${State} state=${state} word=${word} /></td><td><b>${oneLine(t.account)}</b></td><td class="fluid">${t.label ? oneLine(t.label) : html`<span class="q">-</span>`}${t.ddns ? html` <span class="q">DNS: ${oneLine(t.ddns)}</span>` : ""}</td><td class="m" data-l="id">${oneLine(t.id)}</td><td data-l="last used"><${Ago} ms=${t.used_ms} now=${now} /></td>
			<td data-l="made" title=${full(t.created_ms, now)}><${Ago} ms=${t.created_ms} now=${now} /></td><td data-l="ends">${t.expires_ms ? (t.expires_ms > now ? `in ${span(t.expires_ms - now)}` : "over") : "never"}</td>${operator && html`<td class="r">${!t.revoked && html`<button type="button" class="tiny" onClick=${() => revoke(t)}>Revoke<span class="vh"> token ${t.id}</span></button>`}</td>`}</tr>`;
	})}</${Table}>${more && html`<${None}>There are more: <code>aditd token list</code> prints them all.</${None}>`}`;
}

function Names({ typed, now, ask }) {
	const { data } = useOp("name.list");
	const rows = (data?.rows ?? []).filter((n) => fits(typed, n.name, n.account));
	const operator = isOperator();
	const release = (n) => ask({ title: `Release ${n.name}?`, word: n.name, verb: "Release", text: `${n.account} loses the name; visitors are answered 410 Gone from then on.`, run: () => act(op("name.release", { name: n.name }), `${n.name} is released.`) });
	return html`<${Card} id="na" title="Names" note=${number(rows.length)}>${rows.length ? html`<${Table} label="Table of names" head=${[["Name", ""], ["Account", ""], ["Held", ""], ...(operator ? [["", "r"]] : [])]}>${rows.map((n) => html`<tr key=${n.name} class=${n.released ? "gone" : ""}><td class="fluid"><b class="m">${oneLine(n.name)}</b>${n.released ? html` <span class="q">released</span>` : ""}</td><td>${oneLine(n.account)}</td><td data-l="held"><${Ago} ms=${n.created_ms} now=${now} /></td>
		${operator && html`<td class="r">${!n.released && html`<button type="button" class="tiny" onClick=${() => release(n)}>Release<span class="vh"> ${oneLine(n.name)}</span></button>`}</td>`}</tr>`)}</${Table}>` : html`<${None}>No name is held.</${None}>`}</${Card}>`;
}

function Domains({ typed, now }) {
	const { data } = useOp("domain.list");
	const rows = (data?.rows ?? []).filter((d) => fits(typed, d.name, d.account, d.tunnel));
	if (!rows.length) return null;
	return html`<${Card} id="do" title="Own domains" note=${number(rows.length)}><${Table} label="Table of own domains" head=${[["State", ""], ["Domain", ""], ["Tunnel", ""], ["Account", ""], ["Since", ""]]}>${rows.map((d) => html`<tr key=${`${d.name} ${d.account}`}><td>${oneLine(d.state)}</td><td class="fluid"><b class="m">${oneLine(d.name)}</b> <span class="q">${oneLine(d.why)}</span></td><td>${oneLine(d.tunnel)}</td><td>${oneLine(d.account)}</td><td><${Ago} ms=${d.since_ms} now=${now} /></td></tr>`)}</${Table}></${Card}>`;
}

function Sessions({ onLink }) {
	const { data } = useOp("dashboard.sessions");
	const [form, set] = useState({ role: "auditor", account: "" });
	const mine = app.value.session?.id;
	const make = (e) => {
		e.preventDefault();
		op("dashboard.link", { role: form.role, ...(form.role === "account" ? { account: form.account.trim() } : {}) }).then((a) => onLink(a.url ?? a.code), sayFault);
	};
	return html`<${Card} id="se" title="Who uses this dashboard" note=${number(data?.rows.length)}>${data && html`<${Table} label="Table of sessions" head=${[["Session", ""], ["Role", ""], ["Since", ""], ["Last asked", ""], ["", "r"]]}>${data.rows.map((s) => html`<tr key=${s.id}><td class="m">${s.id}${s.id === mine ? html` <span class="q">this one</span>` : ""}</td><td class="fluid">${s.role}${s.account ? ` ${oneLine(s.account)}` : ""}</td><td data-l="since">${span(s.age_ms)} ago</td><td data-l="last asked">${span(s.idle_ms)} ago</td>
		<td class="r">${s.id !== mine && html`<button type="button" class="tiny" onClick=${() => act(op("dashboard.end", { id: s.id }), `Session ${s.id} has ended.`)}>End<span class="vh"> session ${s.id}</span></button>`}</td></tr>`)}</${Table}>`}
		<form class="pad new-token" onSubmit=${make}><div class="field"><label for="dl-role">A link for</label><select id="dl-role" value=${form.role} onChange=${(e) => set({ ...form, role: e.target.value })}><option value="operator">an operator</option><option value="auditor">an auditor</option><option value="account">an account</option></select></div>
			${form.role === "account" && html`<div class="field"><label for="dl-account">Account</label><input id="dl-account" type="text" value=${form.account} onInput=${(e) => set({ ...form, account: e.target.value })} /></div>`}<button type="submit" disabled=${form.role === "account" && !form.account.trim()}>Make a link</button></form></${Card}>`;
}

export function AccountsPage() {
	const { data, error, again } = useOp("token.list");
	const [typed, setTyped] = useState("");
	const [secret, setSecret] = useState(null);
	const [sure, setSure] = useState(null);
	const now = useNow(10000);
	const rows = data?.rows ?? [];
	const valid = rows.filter((t) => !isOver(t, now));
	const accounts = new Set(rows.map((t) => t.account)).size;
	const lead = !data ? "Accounts" : html`<b>${plural(accounts, "account")}</b> ${accounts === 1 ? "has" : "have"} ${plural(valid.length, "valid token")}${rows.length - valid.length ? `; ${number(rows.length - valid.length)} ${rows.length - valid.length === 1 ? "is" : "are"} revoked or over` : ""}.`;
	const made = (a) => setSecret({ title: `The new token of ${oneLine(a.account)}`, text: a.token, note: "It is shown this once: the edge keeps only its hash. On the agent's machine: adit login, or the file that token-file: names." });
	const link = (url) => setSecret({ title: "A link to the dashboard", text: url, note: "It is good once, for a minute." });
	return html`<${Page} lead=${lead} error=${error} again=${again}>${secret && html`<${Secret} ...${secret} onClose=${() => setSecret(null)} />`}
		${data && html`<form class="acts" role="search" onSubmit=${(e) => e.preventDefault()}><${Search} value=${typed} on=${setTyped} label="Filter" placeholder="account, label, id, name" /></form>
		<${Card} id="to" title="Tokens" note=${number(rows.length)}><${Tokens} rows=${rows} more=${data.more} typed=${typed} now=${now} ask=${setSure} />${mayChange() && html`<${NewToken} onMade=${made} />`}</${Card}>
		<div class="cols"><${Names} typed=${typed} now=${now} ask=${setSure} />${isOperator() && html`<${Sessions} onLink=${link} />`}</div><${Domains} typed=${typed} now=${now} />`}
		${sure && html`<${Sure} ...${sure} onClose=${() => setSure(null)} />`}</${Page}>`;
}
