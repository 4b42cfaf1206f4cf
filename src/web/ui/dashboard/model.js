// SPDX-License-Identifier: Apache-2.0
// What the dashboard knows: its session, the place (#/...), and answers of the edge, asked again while the page is seen.

import { useState, useEffect } from "../vendor/vendor.js";
import { Store, useStore } from "../lib/store.js";
import { post, get, send, setToken } from "../lib/api.js";

const AGAIN_MS = 5000;
const PAGES_MAX = 20;
const SAMPLES_MAX = 720;

// session: undefined while it is asked for, null: there is none; look: what the head and every page's tags show.
export const app = new Store({ session: undefined, why: "", gotAt: 0, away: false, look: null, samples: [], turn: 0 });

// ---- the place: #/inbox/4711

export const place = new Store({ path: [] });

export function readPlace() {
	place.set({ path: location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map((p) => {
		try {
			return decodeURIComponent(p);
		} catch {
			return p;
		}
	}) });
}

export const href = (...path) => `#/${path.map(encodeURIComponent).join("/")}`;

export function go(...path) {
	if (location.hash !== href(...path)) history.pushState(null, "", href(...path));
	readPlace();
}

// ---- the session

const CODE = /^#t=([A-Za-z0-9_-]+)$/;

// The code of a link, taken out of the address at once; "": there is none.
export function takeCode(text) {
	const m = CODE.exec(text.slice(Math.max(0, text.indexOf("#"))));
	return m ? m[1] : "";
}

export async function openSession(code) {
	try {
		const session = await post("/v1/session", { code });
		setToken(session.token);
		app.set({ session, why: "", gotAt: Date.now(), look: null, samples: [] });
		lookNow();
	} catch (e) {
		app.set({ session: null, why: e.message, look: null });
	}
}

export async function findSession() {
	try {
		app.set({ session: await get("/v1/session"), gotAt: Date.now() });
		lookNow();
	} catch (e) {
		app.set({ session: null, why: e.status === 401 ? "" : e.message });
	}
}

export async function endSession() {
	await send("DELETE", "/v1/session").catch(() => {});
	setToken("");
	app.set({ session: null, why: "The session has ended.", look: null, samples: [] });
}

export const role = () => app.value.session?.role;
export const isOperator = () => role() === "operator";
// Whether the own tunnels and deliveries may be changed: an auditor changes nothing.
export const mayChange = () => role() === "operator" || role() === "account";

// ---- questions

export const op = (name, members, signal) => post("/v1/ask", { op: name, ...members }, signal);

// Where an answer says that there is more, it goes on behind its last row.
const NEXT = { "token.list": ["id", "id"], "name.list": ["name", "name"], "tunnel.list": ["name", "name"], "cert.list": ["name", "name"], "domain.list": ["name", "name"] };

export async function ask(name, members, signal) {
	const answer = await op(name, members, signal);
	const next = NEXT[name];
	for (let i = 1; next && answer.more && i < PAGES_MAX && answer.rows.length; i++) {
		const page = await op(name, { ...members, [next[0]]: answer.rows.at(-1)[next[1]], after: answer.rows.at(-1)[next[1]] }, signal);
		answer.rows.push(...page.rows);
		answer.more = page.more;
	}
	return answer;
}

const visible = () => document.visibilityState === "visible";

// Asks, and again every few seconds while the page is seen: {data, error, again}. What is there stays until there is newer.
export function useOp(name, members = {}, every = AGAIN_MS) {
	const key = JSON.stringify([name, members]);
	const [state, set] = useState({ key: null, data: null, error: null });
	const [turn, again] = useState(0);
	const common = useStore(app, (v) => v.turn);
	useEffect(() => {
		const cut = new AbortController();
		let timer = 0;
		const run = async () => {
			try {
				if (visible()) {
					const data = await ask(name, members, cut.signal);
					if (!cut.signal.aborted) set({ key, data, error: null });
				}
			} catch (error) {
				if (!cut.signal.aborted) set((s) => ({ key, data: s.key === key ? s.data : null, error }));
			}
			if (!cut.signal.aborted && every) timer = setTimeout(run, every);
		};
		run();
		return () => {
			cut.abort();
			clearTimeout(timer);
		};
	}, [key, turn, common]);
	const right = state.key === key;
	return { data: right ? state.data : null, error: right ? state.error : null, again: () => again((n) => n + 1) };
}

// After something was changed, all that is shown is asked again.
export const changed = () => {
	app.set((v) => ({ turn: v.turn + 1 }));
	lookNow();
};

// ---- what every page shows: the state, and what needs somebody

const lookOf = {
	async all() {
		const view = await op("overview");
		return { view, up: view.tunnels.up, away: view.tunnels.away, parked: (view.inbox?.parked ?? 0) + (view.inbox?.dead ?? 0), problems: view.problems };
	},
	async account() {
		const [tunnels, inbox] = await Promise.all([ask("tunnel.list"), op("inbox.stat")]);
		const count = (state) => tunnels.rows.filter((r) => r.state === state).length;
		return { view: null, up: count("up"), away: count("away"), parked: inbox.states.parked.n + inbox.states.dead.n, problems: [] };
	},
};

function sample(samples, view) {
	if (!view) return samples;
	return [...samples.slice(1 - SAMPLES_MAX), { at: Date.now(), requests: view.requests.all, stored: view.stored, refused: view.requests.refused + view.bad_signatures, memory: view.memory_bytes }];
}

let timer = 0;

export async function lookNow() {
	clearTimeout(timer);
	if (app.value.session && visible()) {
		try {
			const look = await (role() === "account" ? lookOf.account() : lookOf.all());
			app.set((v) => ({ look, away: false, samples: sample(v.samples, look.view) }));
		} catch (e) {
			if (e.status === 0) app.set({ away: true });
		}
	}
	clearTimeout(timer);
	timer = setTimeout(lookNow, AGAIN_MS);
}

document.addEventListener("visibilitychange", () => visible() && app.value.session && changed());
