// SPDX-License-Identifier: Apache-2.0
// The head and the list of pages: the state comes first, as a word with a shape.

import { useState, useEffect } from "../vendor/vendor.js";
import { html, Icon, Kbd, useNow } from "../lib/ui.js";
import { Mark } from "../lib/icons.js";
import { useStore } from "../lib/store.js";
import { toggleTheme, isDark } from "../lib/theme.js";
import { shown } from "../lib/keys.js";
import { span } from "../lib/time.js";
import { oneLine } from "../lib/text.js";
import { app, place, href, role } from "./model.js";

// Each page: its name, its key, and who sees it besides the operator.
export const PAGES = [
	{ id: "", name: "Overview", key: "g o", who: ["auditor"] },
	{ id: "tunnels", name: "Tunnels", key: "g t", who: ["auditor", "account"] },
	{ id: "inbox", name: "Inbox", key: "g i", who: ["auditor", "account"] },
	{ id: "certificates", name: "Certificates", key: "g c", who: ["auditor"] },
	{ id: "accounts", name: "Accounts", key: "g a", who: ["auditor", "account"] },
	{ id: "refused", name: "Refused", key: "g r", who: ["auditor"] },
	{ id: "audit", name: "Audit", key: "g u", who: ["auditor"] },
	{ id: "limits", name: "Limits", key: "g l", who: ["auditor", "account"] },
	{ id: "configuration", name: "Configuration", key: "g f", who: ["auditor"] },
	{ id: "log", name: "Log", key: "g w", who: ["auditor"] },
];

export const pagesOf = (who) => PAGES.filter((p) => who === "operator" || p.who.includes(who));

function stateOf({ session, look, away }) {
	if (session === null) return ["open", "wait", "No session"];
	if (away) return ["failing", "bad", "aditd does not answer"];
	if (!look) return ["open", "idle", "Asking aditd"];
	if (look.problems.some((p) => p.level === "bad")) return ["failing", "bad", "Needs you"];
	if (look.problems.length || look.away || look.parked) return ["parked", "wait", "Needs you"];
	return ["delivered", "ok", "Online"];
}

function LinkState() {
	const v = useStore(app);
	const now = useNow(10000);
	const [name, tone, word] = stateOf(v);
	const view = v.look?.view;
	const text = v.away ? "this page goes on by itself when it is back" : view ? `${oneLine(view.domain)}, aditd ${oneLine(view.version)} up ${span(now - view.start_ms)}` : "";
	return html`<p class="link-state grow"><${Icon} name=${name} tone=${tone} /><strong class=${tone === "bad" ? "bad" : ""} role="status">${word}</strong><span class="two cut hide-s">${text}</span></p>`;
}

function SessionNote() {
	const { session, gotAt } = useStore(app);
	const now = useNow(30000);
	if (!session) return null;
	const left = session.left_ms === undefined ? "" : `, session ends in ${span(Math.max(0, session.left_ms - (now - gotAt)))}`;
	return html`<span class="two mid">${session.role === "account" ? `account ${oneLine(session.account)}` : session.role}${left}</span>`;
}

function ThemeButton() {
	const [dark, set] = useState(isDark());
	return html`<button class="plain" type="button" aria-pressed=${String(dark)} onClick=${() => { toggleTheme(); set(isDark()); }}><${Icon} name="theme" /><span class="vh">Dark theme</span></button>`;
}

export function Top({ onPalette, onHelp }) {
	const session = useStore(app, (v) => v.session);
	return html`<header class="top"><a class="brand" href="#/"><${Mark} />adit <span class="two">edge</span></a><span class="sep hide-s"></span><${LinkState} /><${SessionNote} />
		${session && html`<button class="hide-s" type="button" onClick=${onPalette}><${Icon} name="search" />Commands <${Kbd}>${shown("Mod+K")}</${Kbd}></button>
		<button class="plain hide-m" type="button" onClick=${onHelp}>Keys <${Kbd}>?</${Kbd}></button>
		<button class="plain narrow" type="button" onClick=${onPalette}><${Icon} name="search" label="Commands" /></button>`}<${ThemeButton} /></header>`;
}

function tags(look) {
	if (!look) return {};
	const certificates = look.problems.filter((p) => p.code.startsWith("certificate-"));
	const tag = (n, tone) => n > 0 && html`<span class=${`tag ${tone}`}>${n}<span class="vh"> need${n === 1 ? "s" : ""} you</span></span>`;
	return { tunnels: tag(look.away, "wait"), inbox: tag(look.parked, "wait"), certificates: tag(certificates.length, certificates.some((p) => p.level === "bad") ? "bad" : "wait") };
}

export function Nav() {
	const { path } = useStore(place);
	const look = useStore(app, (v) => v.look);
	const n = look ? look.problems.length || look.away + look.parked : 0;
	const here = path[0] ?? (role() === "account" ? "tunnels" : "");
	const name = PAGES.find((p) => p.id === here)?.name ?? "adit";
	useEffect(() => {
		document.title = `${n ? `${n} need${n === 1 ? "s" : ""} you, ` : ""}${name}, adit edge`;
	}, [n, name]);
	// On a phone the pages are a row that is wider than the screen.
	useEffect(() => document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [here]);
	const tag = tags(look);
	return html`<nav class="nav" aria-label="Dashboard"><ul>${pagesOf(role()).map((p) => html`<li key=${p.id}><a href=${p.id ? href(p.id) : "#/"} aria-current=${here === p.id ? "page" : undefined}>${p.name}${tag[p.id]}</a></li>`)}</ul></nav>`;
}
