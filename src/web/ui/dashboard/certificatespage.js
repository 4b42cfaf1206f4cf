// SPDX-License-Identifier: Apache-2.0
// Certificates: until when, who gives them, and why one was not renewed.

import { useState } from "../vendor/vendor.js";
import { html, Icon, Menu, Cmd, useNow } from "../lib/ui.js";
import { State } from "../lib/icons.js";
import { oneLine, visible } from "../lib/text.js";
import { day, span, plural, number } from "../lib/time.js";
import { useOp, op, isOperator } from "./model.js";
import { Card, Page, Table, Sure, Ago, None, act } from "./parts.js";

const DAY_MS = 864e5;

function stateOf(r, now) {
	if (!r.end_ms) return r.problem ? ["bad", "not given"] : ["sending", "ordering"];
	if (r.end_ms < now) return ["bad", "expired"];
	if (r.end_ms - now < 14 * DAY_MS) return ["failing", "ends soon"];
	return r.problem ? ["wait", "not renewed"] : ["ok", oneLine(r.state || "valid")];
}

const isWell = (r, now) => stateOf(r, now)[0] === "ok";

function lead(rows, now) {
	if (!rows.length) return html`<b>No certificate of a CA is kept here.</b> With <code>acme:</code> in aditd.yml the edge gets and renews them itself.`;
	const well = rows.filter((r) => isWell(r, now)).length;
	const ill = rows.length - well;
	const first = rows.filter((r) => r.end_ms).sort((a, b) => a.end_ms - b.end_ms)[0];
	return html`${well > 0 && html`<b>${plural(well, "certificate is", "certificates are")} well.</b> `}${ill > 0 && html`<span class="bad">${plural(ill, "needs", "need")} somebody.</span> `}${first ? `The first to end is that of ${oneLine(first.name)}, in ${span(first.end_ms - now)}.` : ""}`;
}

function Trouble({ r, now }) {
	const [, word] = stateOf(r, now);
	return html`<${Card} id=${`c-${r.name}`} title=${`${oneLine(r.name)}: ${word}`}><div class="pad"><p><b>${visible(r.problem) || `It ends in ${span(Math.max(0, r.end_ms - now))}.`}</b>${r.end_ms > now ? " What there is stays in use until then." : ""}</p>${r.remedy && html`<p class="two">${visible(r.remedy)}</p>`}<${Cmd} text=${`aditd cert show ${oneLine(r.name)}`} /></div></${Card}>`;
}

function Life({ r, now }) {
	const share = r.end_ms > r.begin_ms ? Math.max(0, Math.min(100, (100 * (now - r.begin_ms)) / (r.end_ms - r.begin_ms))) : 0;
	return html`<svg class=${`bar ${isWell(r, now) ? "ok" : "bad"}`} viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=${`${Math.round(share)} percent of its time`}><rect width="100" height="8" rx="1" /><rect width=${share.toFixed(1)} height="8" rx="1" /></svg>`;
}

export function CertificatesPage() {
	const { data, error, again } = useOp("cert.list");
	const [sure, setSure] = useState(null);
	const now = useNow(30000);
	const none = error?.code === "none";
	const rows = data?.rows ?? [];
	const operator = isOperator();
	const head = [["State", ""], ["Name", ""], ["Account", ""], ["Issuer", ""], ["Ends", ""], ["Time used", ""], ["Next", ""], ...(operator ? [["", "r"]] : [])];
	const items = (r) => [{ name: "Renew now", note: "whatever the dates say", run: () => act(op("cert.renew", { name: r.name }), (a) => a.text) },
		{ name: "Revoke...", note: "and get a new one", run: () => setSure({ title: `Revoke the certificate of ${r.name}?`, word: r.name, verb: "Revoke", text: "The CA is told that its key is not to be trusted. A new one is ordered at once; until it is there, browsers may refuse.", run: () => act(op("cert.revoke", { name: r.name }), (a) => a.text) }) }];
	return html`<${Page} lead=${none ? html`<b>This edge gets no certificates of a CA.</b> It was started with --dev, and makes its own.` : data ? lead(rows, now) : "Certificates"} error=${none ? null : error} again=${again}>
		${rows.filter((r) => !isWell(r, now) && (r.problem || r.end_ms)).map((r) => html`<${Trouble} key=${r.name} r=${r} now=${now} />`)}
		${rows.length > 0 && html`<${Card} id="ce" title="Certificates" note=${number(rows.length)}><${Table} label="Table of certificates" head=${head}>${rows.map((r) => {
			const [state, word] = stateOf(r, now);
			return html`<tr key=${r.name}><td><${State} state=${state} word=${word} /></td><td><b class="m">${oneLine(r.name)}</b></td><td data-l="account">${r.account ? oneLine(r.account) : html`<span class="q">the edge</span>`}</td><td data-l="issuer">${oneLine(r.issuer) || "-"}</td><td data-l="ends">${r.end_ms ? html`<b class=${isWell(r, now) ? "" : "bad"}>in ${span(Math.max(0, r.end_ms - now))}</b> <span class="q">${day(r.end_ms, now)}</span>` : "-"}</td>
				<td class="fluid" data-l="time used"><${Life} r=${r} now=${now} /></td><td data-l="next">${r.next_ms > now ? `in ${span(r.next_ms - now)}` : r.next_ms ? html`<${Ago} ms=${r.next_ms} now=${now} />` : "-"}</td>${operator && html`<td class="r menu-cell"><${Menu} label=${`Actions for ${r.name}`} items=${items(r)} cls="plain"><${Icon} name="more" label=${`Actions for ${oneLine(r.name)}`} /></${Menu}></td>`}</tr>`;
		})}</${Table}>${data.more && html`<${None}>There are more: <code>aditd cert list</code> prints them all.</${None}>`}</${Card}>`}
		<p class="q">Warned at 14 and at 3 days before the end, on the overview and by <code>adit_certificate_not_after_seconds</code>. A certificate of your own files (<code>certificates:</code>) is renewed by whoever writes them; then <code>systemctl reload aditd</code>.</p>
		${sure && html`<${Sure} ...${sure} onClose=${() => setSure(null)} />`}</${Page}>`;
}
