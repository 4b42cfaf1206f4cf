// SPDX-License-Identifier: Apache-2.0
// The dashboard of the edge: one page, its places in the fragment of the address, each for the roles that may see it.

import { render, useState, useEffect } from "../vendor/vendor.js";
import { html, Notices, Dialog, useKeys } from "../lib/ui.js";
import { Sprite } from "../lib/icons.js";
import { takeToken, onTrouble } from "../lib/api.js";
import { bound, shown } from "../lib/keys.js";
import { useStore } from "../lib/store.js";
import { Palette } from "../lib/palette.js";
import { toggleTheme } from "../lib/theme.js";
import { app, place, readPlace, go, role, takeCode, openSession, findSession, endSession } from "./model.js";
import { Top, Nav, PAGES, pagesOf } from "./head.js";
import { Page } from "./parts.js";
import { SessionPage } from "./sessionpage.js";
import { OverviewPage } from "./overviewpage.js";
import { TunnelsPage } from "./tunnelspage.js";
import { InboxPage } from "./inboxpage.js";
import { DeliveryPage } from "./deliverypage.js";
import { CertificatesPage } from "./certificatespage.js";
import { AccountsPage } from "./accountspage.js";
import { RefusedPage } from "./refusedpage.js";
import { AuditPage } from "./auditpage.js";
import { ConfigurationPage } from "./configurationpage.js";
import { LogPage } from "./logpage.js";
import { LimitsPage } from "./limitspage.js";

// The code leaves the address before anything else, then it is exchanged for a session.
async function start() {
	const code = takeCode(location.hash);
	if (code) history.replaceState(null, "", "#/");
	readPlace();
	if (code) await openSession(code);
	else {
		takeToken();
		await findSession();
	}
}

addEventListener("hashchange", () => (takeCode(location.hash) ? start() : readPlace()));
addEventListener("popstate", readPlace);
onTrouble((what) => {
	if (what === "401" && app.value.session) app.set({ session: null, why: "The session has ended.", look: null });
	if ((what === "away") !== app.value.away && app.value.session) app.set({ away: what === "away" });
});

const CONTENT = { "": OverviewPage, tunnels: TunnelsPage, inbox: InboxPage, certificates: CertificatesPage, accounts: AccountsPage, refused: RefusedPage, audit: AuditPage, limits: LimitsPage, configuration: ConfigurationPage, log: LogPage };

function Content({ path }) {
	const first = path[0] ?? (role() === "account" ? "tunnels" : "");
	const page = PAGES.find((p) => p.id === first);
	if (!page) return html`<${Page} lead=${html`<b>There is no such page.</b> <a href="#/">Go to the first one</a>.`} />`;
	if (!pagesOf(role()).includes(page)) return html`<${Page} lead=${html`<b>This page is not for your role.</b> Ask the operator for a link of another one.`} />`;
	if (first === "inbox" && /^\d{1,15}$/.test(path[1] ?? "")) return html`<${DeliveryPage} key=${path[1]} id=${Number(path[1])} />`;
	return html`<${CONTENT[first]} />`;
}

// The first thing of each row that takes the focus: j and k go from one to the next.
function move(by) {
	const all = [...document.querySelectorAll("#main tbody tr, #main .wrongs li")].map((row) => row.querySelector("a, button, input")).filter(Boolean);
	const row = document.activeElement?.closest("tr, li");
	const at = all.findIndex((x) => row?.contains(x));
	all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
}

function commands() {
	return [...pagesOf(role()).map((p) => ({ name: p.name, hint: "page", key: p.key, run: () => go(...(p.id ? [p.id] : [])) })), { name: "Light or dark", run: toggleTheme }, { name: "End this session", run: endSession }];
}

// A bare number goes to the delivery.
function typedCommands(typed) {
	const m = /^#?(\d{1,15})$/.exec(typed.trim());
	return m ? [{ name: `Open delivery #${m[1]}`, run: () => go("inbox", m[1]) }] : [];
}

const Help = ({ keys, onClose }) => html`<${Dialog} title="Keys" onClose=${onClose}><table class="kv help-keys"><tbody>${keys.map((k) => html`<tr key=${k.what}><th scope="row">${k.keys.slice(0, 2).map((x) => html`<kbd key=${x}>${shown(x)}</kbd> `)}</th><td>${k.what}</td></tr>`)}</tbody></table></${Dialog}>`;

function App() {
	const { path } = useStore(place);
	const session = useStore(app, (v) => v.session);
	const [open, setOpen] = useState("");
	const [keys, setKeys] = useState([]);
	const help = () => {
		setKeys(bound());
		setOpen("help");
	};
	const here = () => Boolean(app.value.session);
	useKeys([
		{ keys: ["?"], what: "Keys", when: here, run: help },
		{ keys: ["Mod+k"], what: "Command palette", inFields: true, when: here, run: () => setOpen("palette") },
		{ keys: ["/"], what: "Filter this page", when: here, run: () => document.getElementById("filter")?.focus() },
		{ keys: ["j", "ArrowDown"], what: "Next row", when: () => here() && !document.querySelector("[role=menu]"), run: () => move(1) },
		{ keys: ["k", "ArrowUp"], what: "Row before", when: () => here() && !document.querySelector("[role=menu]"), run: () => move(-1) },
		...PAGES.map((p) => ({ keys: [p.key], what: p.name, when: () => here() && pagesOf(role()).includes(p), run: () => go(...(p.id ? [p.id] : [])) })),
	], []);
	useEffect(() => scrollTo(0, 0), [path.join("/")]);
	if (session === undefined) return html`<${Sprite} /><${Top} />`;
	return html`<a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to content</a><${Sprite} /><${Top} onPalette=${() => setOpen("palette")} onHelp=${help} />
		${session === null ? html`<${SessionPage} />` : html`<div class="shell"><${Nav} /><${Content} path=${path} /></div>`}
		${open === "palette" && html`<${Palette} commands=${commands()} more=${typedCommands} onClose=${() => setOpen("")} />`}${open === "help" && html`<${Help} keys=${keys} onClose=${() => setOpen("")} />`}<${Notices} />`;
}

render(html`<${App} />`, document.getElementById("app"));
start();
