// SPDX-License-Identifier: Apache-2.0
// The inspector: one page, its places in the fragment of the address.

import { render, useState, useEffect } from "../vendor/vendor.js";
import { html, Notices, useKeys } from "../lib/ui.js";
import { Sprite } from "../lib/icons.js";
import { takeToken, setToken, onTrouble, get } from "../lib/api.js";
import { follow as stream } from "../lib/stream.js";
import { bound } from "../lib/keys.js";
import { useStore } from "../lib/store.js";
import { Palette } from "../lib/palette.js";
import { toggleTheme } from "../lib/theme.js";
import { VIEWS } from "../lib/filter.js";
import { app, place, rows, readPlace, go } from "./model.js";
import { Top, Lines, CaptureNote } from "./head.js";
import { FilterBar } from "./filterbar.js";
import { List, selected, follow } from "./listview.js";
import { Detail, REQUEST_KEYS } from "./detail.js";
import { DiffPage } from "./diffpage.js";
import { EditPage } from "./editpage.js";
import { InboxPage, DeliveryPage } from "./inboxpage.js";
import { DoctorPage } from "./doctorpage.js";
import { SinkPage } from "./sinkpage.js";
import { EmptyPage } from "./emptypage.js";
import { Help } from "./help.js";
import { replay, replayChoices, curl, pin, diff, exportChoices, importFile, clear, compareBefore, permalink } from "./actions.js";

takeToken();
readPlace();
addEventListener("hashchange", () => {
	if (/^#t=/.test(location.hash)) {
		takeToken();
		start();
	}
	readPlace();
});
addEventListener("popstate", readPlace);

let following = null;

function start() {
	following?.stop();
	app.set({ wanted: false });
	get("/v1/state").then((agent) => app.set({ agent, gotAt: Date.now() }), () => {});
	rows.ask(place.value.q);
	following = stream({
		path: (after) => `/v1/events${after ? `?after=${after}` : ""}`,
		state: (live) => app.set({ live }),
		on(type, data) {
			if (type === "state") app.set({ agent: data, gotAt: Date.now() });
			else if (type === "rows") {
				const fresh = rows.take(data.rows);
				if (fresh) rows.onFresh?.(fresh);
				if (data.rows.some((r) => r.delivery)) app.set((v) => ({ inboxTurn: v.inboxTurn + 1 }));
			} else if (type === "lost") rows.ask(rows.q);
			else if (type === "inbox") app.set((v) => ({ inboxTurn: v.inboxTurn + 1 }));
		},
	});
}

onTrouble((what) => {
	if (what === "401" && !app.value.wanted) {
		following?.stop();
		app.set({ wanted: true });
	}
});

let asked = place.value.q;
place.on(({ q }) => {
	if (q === asked) return;
	asked = q;
	rows.ask(q);
	if (!place.value.path.length) follow(true);
});

function TokenPage() {
	const [text, set] = useState("");
	const use = (e) => {
		e.preventDefault();
		setToken(text);
		start();
	};
	return html`<main class="page" id="main" tabindex="-1"><h1 class="lead"><b>This page wants a token.</b> You are another user of this machine, or the connection is forwarded, so adit cannot see that it is you.</h1>
		<section class="card narrow-card"><form class="pad" onSubmit=${use}><p>Open the link that adit printed when it started (it ends in <code>#t=...</code>), or paste it here.</p><div class="field"><label for="tok">Link or token</label><input id="tok" type="text" class="m" autocomplete="off" spellcheck="false" value=${text} onInput=${(e) => set(e.target.value)} /></div>
		<div class="acts"><button class="primary" type="submit" disabled=${!text.trim()}>Go on</button></div></form></section></main>`;
}

function Requests({ agent, id }) {
	const { count, loading, fault } = useStore(rows);
	const { q } = useStore(place);
	const none = !count && !loading && !q && !id && !fault;
	if (none) return html`<${Lines} /><${EmptyPage} agent=${agent} />`;
	return html`<${Lines} /><${CaptureNote} /><${FilterBar} /><main class=${`bench${id ? " with-detail" : ""}`} id="main" tabindex="-1"><h1 class="vh">Requests</h1><${List} />${id && html`<${Detail} id=${id} />`}</main>`;
}

function Page({ path, agent }) {
	const [one, two, three] = path;
	if (one === "diff" && three) return html`<${DiffPage} a=${two} b=${three} />`;
	if (one === "edit") return html`<${EditPage} key=${two} id=${two} />`;
	if (one === "send") return html`<${EditPage} key="send" />`;
	if (one === "inbox" && two) return html`<${DeliveryPage} number=${two} />`;
	if (one === "inbox") return html`<${InboxPage} />`;
	if (one === "doctor") return html`<${DoctorPage} tunnel=${two} />`;
	if (one === "sink") return html`<${SinkPage} />`;
	return html`<${Requests} agent=${agent} id=${one === "r" ? two : null} />`;
}

function commands() {
	const id = selected();
	const row = id && rows.byId.get(id);
	const here = row ? [
		{ name: `Replay #${id}`, key: "r", run: () => replay(id) },
		{ name: `Edit and replay #${id}`, key: "e", run: () => go(`edit/${id}`) },
		...replayChoices(row).slice(1).map((c) => ({ name: `Replay #${id}: ${c.name.toLowerCase()}`, hint: c.note, run: c.run })),
		{ name: `Copy #${id} as curl`, key: "c", run: () => curl(id) },
		{ name: `Compare #${id} with the one before`, run: () => compareBefore(id) },
		{ name: `Mark #${id} for a diff`, key: "d", run: () => diff(row) },
		{ name: `Copy the link to #${id}`, key: "y", run: () => permalink(id) },
		{ name: (row.flags ?? []).includes("pinned") ? `Let #${id} go` : `Pin #${id}`, key: "p", run: () => pin(row) },
		...exportChoices([id]).map((c) => ({ name: `Export #${id}: ${c.name}`, hint: c.note, run: c.run })),
	] : [];
	return [...here,
		...VIEWS.map((v) => ({ name: `Show: ${v.name}`, hint: v.q, run: () => { go("", v.q); } })),
		{ name: "Inbox at the edge", key: "g i", run: () => go("inbox", "") }, { name: "Run doctor", key: "g d", run: () => go("doctor", "") }, { name: "Rules of the sink", key: "g s", run: () => go("sink", "") },
		{ name: "Send a request", hint: "or paste a curl command", key: "n", run: () => go("send", "") }, { name: "Import a HAR, .http or tar file", key: "i", run: importFile },
		{ name: "Follow new requests", run: () => { go(""); follow(true); } }, { name: "Light or dark", run: toggleTheme }, { name: "Forget all requests but the pinned ones", run: clear },
	];
}

// #4711 or a bare number goes there; anything else can be a filter.
function typedCommands(typed) {
	const m = /^#?(\d+)$/.exec(typed.trim());
	if (m) return [{ name: `Open #${m[1]}`, run: () => go(`r/${m[1]}`) }, { name: `Open delivery ${m[1]}`, run: () => go(`inbox/${m[1]}`, "") }];
	const times = /^(?:replay )?(\d{1,3}) times$/.exec(typed.trim());
	if (times && selected()) return [{ name: `Replay #${selected()} ${times[1]} times`, run: () => replay(selected(), { times: Math.min(100, Number(times[1])) }) }];
	return /^[a-z]+:\S/.test(typed) ? [{ name: `Filter: ${typed.trim()}`, run: () => go("", typed.trim()) }] : [];
}

function App() {
	const { path } = useStore(place);
	const { agent, wanted } = useStore(app);
	const [open, setOpen] = useState("");
	const [keys, setKeys] = useState([]);
	const help = () => {
		setKeys([...bound(), ...REQUEST_KEYS]);
		setOpen("help");
	};
	useKeys([
		{ keys: ["?"], what: "Keys and filters", run: help },
		{ keys: ["Mod+k"], what: "Command palette", inFields: true, run: () => setOpen("palette") },
		{ keys: ["g r"], what: "Requests", run: () => go("") },
		{ keys: ["g i"], what: "Inbox", run: () => go("inbox", "") },
		{ keys: ["g d"], what: "Doctor", run: () => go("doctor", "") },
		{ keys: ["g s"], what: "Sink", run: () => go("sink", "") },
		{ keys: ["n"], what: "Send a request", when: () => !["diff"].includes(place.value.path[0]), run: () => go("send", "") },
		{ keys: ["i"], what: "Import a file", run: importFile },
	], []);
	useEffect(() => {
		const bench = !path.length || path[0] === "r";
		document.body.classList.toggle("app", bench);
		if (!bench) scrollTo(0, 0);
	}, [path[0]]);
	return html`<a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to content</a><${Sprite} />
		<${Top} onPalette=${() => setOpen("palette")} onHelp=${help} />${wanted ? html`<${TokenPage} />` : html`<${Page} path=${path} agent=${agent} />`}
		${open === "palette" && html`<${Palette} commands=${commands()} more=${typedCommands} onClose=${() => setOpen("")} />`}${open === "help" && html`<${Help} keys=${keys} onClose=${() => setOpen("")} />`}<${Notices} />`;
}

render(html`<${App} />`, document.getElementById("app"));
start();
