// SPDX-License-Identifier: Apache-2.0
// What the inspector knows: the program's state, the place (#/...), and the list of requests with its filter.

import { Store } from "../lib/store.js";
import { get, lines } from "../lib/api.js";
import { parse, matches } from "../lib/filter.js";

const PAGE = 200;
const AGAIN_MS = 400;
const ASK_MS = 80;
const BEYOND = 40;

// agent: /v1/state; live: "live", "paused", "away"; wanted: a token is asked for.
export const app = new Store({ agent: null, live: "away", wanted: false, fault: null, detailTurn: 0, inboxTurn: 0 });

// ---- the place: #/r/4711?q=status:404

export const place = new Store({ path: [], q: "", from: "" });

export function readPlace() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
	const params = new URLSearchParams(query ?? "");
	const q = params.get("q") ?? "";
	place.set({ path: path.split("/").filter(Boolean).map((p) => decodeURIComponent(p)), q, more: params });
}

export function href(path, q = place.value.q) {
	return `#/${path}${q ? `?q=${encodeURIComponent(q).replace(/%3A/g, ":").replace(/%2F/g, "/").replace(/%20/g, "+")}` : ""}`;
}

export function go(path, q = place.value.q, replace = false) {
	const to = href(path, q);
	if (replace) history.replaceState(null, "", to);
	else if (location.hash !== to) history.pushState(null, "", to);
	readPlace();
}

export function setFilter(q) {
	const { path } = place.value;
	go(path[0] === "r" && path.length === 2 ? `r/${path[1]}` : "", q, true);
}

// ---- the list

// Rows by their place: `head` came in since the list was asked (newest first), `pages` are what was there by then, by
// the number of 200 rows. Positions below the anchor do not move, however many come in above.
class Rows extends Store {
	constructor() {
		super({ turn: 0, count: 0, loading: true, fault: null, fresh: 0, search: null });
		this.query = parse("");
		this.byId = new Map();
		this.clear();
	}

	clear() {
		this.head = [];
		this.pages = new Map();
		this.total = 0;
		this.anchor = null;
		this.found = null;
		this.known = null;
	}

	async ask(q) {
		this.cut?.abort();
		this.cut = new AbortController();
		const { signal } = this.cut;
		this.q = q;
		this.query = parse(q);
		if (this.query.words.some((w) => !w.not)) return this.search(q, signal);
		this.value.search = null;
		this.set({ loading: true, fault: null });
		try {
			const first = await get(`/v1/exchanges?limit=${PAGE}&q=${encodeURIComponent(q)}`, signal);
			const late = this.head;
			this.clear();
			this.remember(first.rows);
			this.pages.set(0, first.rows.map((r) => r.id));
			this.total = first.total;
			this.anchor = first.rows[0]?.id ?? null;
			late.filter((id) => this.isNewer(id)).forEach((id) => this.head.push(id));
			this.told();
		} catch (e) {
			if (!signal.aborted) this.set({ loading: false, fault: e });
		}
		return undefined;
	}

	// Words are looked for by the agent; hits come in one by one.
	async search(q, signal) {
		this.clear();
		this.found = [];
		const hits = new Map();
		const started = performance.now();
		this.set({ loading: true, fault: null, count: 0, turn: this.value.turn + 1, search: { hits, done: false, first: null, scanned: 0, more: false } });
		let soon = 0;
		const draw = () => {
			soon = 0;
			if (!signal.aborted) this.told();
		};
		const each = (hit) => {
			if (signal.aborted) return;
			const s = this.value.search;
			if (hit.row && !hits.has(hit.id)) {
				s.first ??= performance.now() - started;
				hits.set(hit.id, hit);
				this.remember([hit.row]);
				// Hits come by their files: each goes to its place by time, newest first.
				const id = BigInt(hit.id);
				let at = this.found.length;
				while (at > 0 && BigInt(this.found[at - 1]) < id) at -= 1;
				this.found.splice(at, 0, hit.id);
			}
			if (hit.scanned !== undefined) this.value.search = { ...s, scanned: hit.scanned, done: Boolean(hit.done), more: Boolean(hit.more) };
			soon ||= setTimeout(draw, 50);
		};
		try {
			await lines(`/v1/search?q=${encodeURIComponent(q)}`, each, signal);
			draw();
		} catch (e) {
			if (!signal.aborted) this.set({ loading: false, fault: e });
		}
	}

	remember(list) {
		for (const r of list) {
			const old = this.byId.get(r.id);
			if (!old || Number(old.changed) <= Number(r.changed)) this.byId.set(r.id, r);
		}
	}

	told() {
		this.set({ turn: this.value.turn + 1, count: this.found ? this.found.length : this.head.length + this.total, loading: false });
	}

	isNewer(id) {
		return this.anchor === null || BigInt(id) > BigInt(this.anchor);
	}

	at(index) {
		if (this.found) return this.byId.get(this.found[index]);
		if (index < this.head.length) return this.byId.get(this.head[index]);
		const i = index - this.head.length;
		const id = this.pages.get(Math.floor(i / PAGE))?.[i % PAGE];
		return id && this.byId.get(id);
	}

	indexOf(id) {
		if (this.found) return this.found.indexOf(id);
		const inHead = this.head.indexOf(id);
		if (inHead >= 0) return inHead;
		for (const [n, ids] of this.pages) {
			const i = ids?.indexOf(id) ?? -1;
			if (i >= 0) return this.head.length + n * PAGE + i;
		}
		return -1;
	}

	// Asks for the pages that hold rows first to last, and a little beyond; while somebody drags through the list, for
	// where they are at most every ASK_MS.
	need(first, last) {
		this.wanted = [first, last];
		this.asks ||= setTimeout(() => {
			this.asks = 0;
			this.askFor(Math.max(0, this.wanted[0] - BEYOND), this.wanted[1] + BEYOND);
		}, ASK_MS);
	}

	askFor(first, last) {
		if (this.found || this.anchor === null) return;
		const from = Math.max(0, Math.floor((first - this.head.length) / PAGE));
		const to = Math.floor((Math.min(last, this.head.length + this.total) - 1 - this.head.length) / PAGE);
		for (let n = from; n <= to; n++) if (!this.pages.has(n)) this.page(n);
	}

	async page(n) {
		this.pages.set(n, undefined);
		const { signal } = this.cut;
		const { pages } = this;
		try {
			const before = BigInt(this.anchor) + 1n;
			const answer = await get(`/v1/exchanges?limit=${PAGE}&before=${before}&skip=${n * PAGE}&q=${encodeURIComponent(this.q)}`, signal);
			if (pages !== this.pages) return;
			this.remember(answer.rows);
			pages.set(n, answer.rows.map((r) => r.id));
			this.total = Math.max(answer.total, n * PAGE + answer.rows.length);
			this.told();
		} catch {
			// Scrolling there again asks again.
			pages.delete(n);
		}
	}

	// Rows of the stream. True where something on the screen may have changed.
	take(list) {
		let again = false;
		let fresh = 0;
		for (const r of list) {
			const before = this.byId.get(r.id);
			const fits = matches(this.query, r);
			this.remember([r]);
			if (this.found) continue;
			if (this.isNewer(r.id)) {
				const at = this.head.indexOf(r.id);
				if (fits && at < 0) {
					this.insert(r.id);
					fresh++;
				} else if (!fits && at >= 0) this.head.splice(at, 1);
			} else if (!before || matches(this.query, before) !== fits) again = true;
		}
		if (this.found) this.set({ turn: this.value.turn + 1 });
		else this.told();
		if (again && !this.later)
			this.later = setTimeout(() => {
				this.later = 0;
				this.ask(this.q);
			}, AGAIN_MS);
		return fresh;
	}

	insert(id) {
		const big = BigInt(id);
		let i = 0;
		while (i < this.head.length && BigInt(this.head[i]) > big) i++;
		this.head.splice(i, 0, id);
		this.byId.get(id);
	}
}

export const rows = new Rows();

// Values that the list has shown, for completing what is typed.
export function seen() {
	const pick = (key) => [...new Set([...rows.byId.values()].slice(-2000).map((r) => r[key]).filter(Boolean))].slice(0, 50);
	return { repo: pick("repository"), branch: pick("branch"), event: pick("event"), tunnel: pick("tunnel"), from: pick("from"), code: pick("code"), method: pick("method") };
}
