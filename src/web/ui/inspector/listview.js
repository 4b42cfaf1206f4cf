// SPDX-License-Identifier: Apache-2.0
// The list of requests: follows what comes in until somebody moves, then stands still.

import { useRef, useLayoutEffect, useEffect } from "../vendor/vendor.js";
import { html, Icon, useMedia, useKeys } from "../lib/ui.js";
import { State } from "../lib/icons.js";
import { VirtualList } from "../lib/list.js";
import { Store, useStore } from "../lib/store.js";
import { oneLine } from "../lib/text.js";
import { short, full, took, size, plural } from "../lib/time.js";
import { rows, place, go, href, app } from "./model.js";
import { marks, choose } from "./marks.js";

export const view = new Store({ follow: true, cursor: null, fresh: 0 });

const VERDICTS = { ok: ["ok", "ok"], wrong: ["wrong secret", "bad"], missing: ["missing", "bad"], altered: ["body altered", "bad"], clock: ["clock", "bad"],
	unchecked: ["not checked", "q"] };
const CUT = { cut_size: "cut: size", cut_disk: "cut: disk", cut_rate: "cut: rate", sampled: "sampled", heads_only: "heads only", imported: "imported" };

export const selected = () => (place.value.path[0] === "r" ? place.value.path[1] : view.value.cursor);

function statusTone(s) {
	if (s >= 500) return "bad";
	return s >= 400 ? "wait" : "";
}

export function Verdict({ verdict }) {
	const [word, tone] = VERDICTS[verdict] ?? ["none", "q"];
	return html`<span class=${tone}>${word}</span>`;
}

function What({ row, hit }) {
	if (row.parent)
		return html`<span class="tree-l"><${Icon} name="child" /> replay of #${row.parent}</span>`;
	if (hit) return html`<span class="q">${hit.where} body</span>`;
	if (row.event) return oneLine(row.event);
	return html`<span class="q">${row.kind === "http" ? "no event" : row.kind}</span>`;
}

function Path({ row, hit }) {
	if (!hit) return html`${oneLine(row.path)}${row.query ? html`<span class="q">?${oneLine(row.query)}</span>` : ""}`;
	const text = oneLine(hit.excerpt);
	const word = rows.query.words.find((w) => !w.not)?.text ?? "";
	const at = text.toLowerCase().indexOf(word.toLowerCase());
	if (at < 0) return text;
	return html`<span class="q">…${text.slice(0, at)}</span><mark>${text.slice(at, at + word.length)}</mark><span class="q">${text.slice(at + word.length)}…</span>`;
}

function Row({ row, index, y, on, chosen, first, hit, now }) {
	const flags = row.flags ?? [];
	const note = flags.find((f) => CUT[f]);
	const cls = `row${row.id ? "" : " coming"}${row.state === "dropped" ? " gone" : ""}${chosen ? " chosen" : ""}`;
	return html`<div class=${cls} role="row" id=${row.id ? `row-${row.id}` : undefined} aria-rowindex=${index + 2} aria-selected=${String(on)} style=${{ transform: `translateY(${y}px)` }}
		data-id=${row.id || undefined}>
		<span role="gridcell" class="m c-time" title=${full(row.at_ms, now)}>${short(row.at_ms, now)}</span>
		<span role="gridcell" class="c-state"><${State} state=${row.state} />${flags.includes("pinned") && html`<${Icon} name="pin" label="pinned" tone="pinned" />`}</span>
		<span role="gridcell" class=${`m r c-status ${statusTone(row.status)}`}>${row.status ?? html`<span class="q">-</span>`}</span>
		<span role="gridcell" class="c-sig"><${Verdict} verdict=${row.verdict} /></span>
		<span role="gridcell" class="cut c-event"><${What} row=${row} hit=${hit} /></span>
		<span role="gridcell" class="cut c-repo"><a class="cell" href=${href(`r/${row.id}`)} tabindex="-1">${row.repository
			? html`<b>${oneLine(row.repository)}</b> <span class="two">${oneLine(row.branch)}</span>` : html`<span class="q">${row.tunnel}</span>`}<span class="vh"> request ${row.id}</span></a></span>
		<span role="gridcell" class="m c-method">${oneLine(row.method)}</span>
		<span role="gridcell" class="m cut c-path"><${Path} row=${row} hit=${hit} /></span>
		<span role="gridcell" class="m r c-took">${took(row.took_us)}</span>
		<span role="gridcell" class="m r c-size" title=${note ? CUT[note] : undefined}>${note ? html`<span class="wait">${CUT[note]}</span>` : size(row.tx_bytes)}</span>
		<span role="gridcell" class="m r q c-delivery">${row.delivery ?? "not kept"}</span></div>`;
}

const HEAD = html`<div class="row vhead" role="row" aria-rowindex="1">
	<span role="columnheader" class="c-time">Time</span><span role="columnheader" class="c-state">State</span><span role="columnheader" class="r c-status">Status</span>
	<span role="columnheader" class="c-sig">Signature</span><span role="columnheader" class="c-event">Event</span><span role="columnheader" class="c-repo">Repository, branch</span>
	<span role="columnheader" class="c-method">Method</span><span role="columnheader" class="c-path">Path</span><span role="columnheader" class="r c-took">Took</span>
	<span role="columnheader" class="r c-size">Size</span><span role="columnheader" class="r c-delivery">Delivery</span></div>`;

// In the place of a row that is asked for: the same nodes, so that only words change when it comes.
const COMING = { id: "", at_ms: 0, state: "open", status: null, took_us: 0, tunnel: "", method: "", path: "", query: "", event: "", repository: "", branch: "", kind: "http",
	flags: [], tx_bytes: 0, delivery: null, verdict: null };

// Where the cursor goes; the detail follows it once it rests, or at once where it was open.
let rest = 0;

export function move(to, open) {
	const { count } = rows.value;
	if (!count) return;
	const at = rows.indexOf(selected());
	const index = Math.max(0, Math.min(count - 1, typeof to === "function" ? to(at) : to));
	const row = rows.at(index);
	handle.current?.show(index);
	if (!row) return;
	view.set({ follow: false, cursor: row.id });
	clearTimeout(rest);
	if (open || place.value.path[0] === "r") go(`r/${row.id}`, undefined, place.value.path[0] === "r");
}

export const handle = { current: null };
const cache = new Map();

export function listKeys() {
	const page = () => Math.max(1, Math.floor((handle.current?.element().clientHeight ?? 480) / 24) - 2);
	return [
		{ keys: ["j", "ArrowDown"], what: "Next request", run: () => move((i) => i + 1) },
		{ keys: ["k", "ArrowUp"], what: "Request before", run: () => move((i) => (i < 0 ? 0 : i - 1)) },
		{ keys: ["g g", "Home"], what: "Newest request", run: () => move(0) },
		{ keys: ["G", "End"], what: "Oldest request", run: () => move(rows.value.count - 1) },
		{ keys: ["PageDown", "Mod+d"], what: "A page down", run: () => move((i) => i + page()) },
		{ keys: ["PageUp", "Mod+u"], what: "A page up", run: () => move((i) => i - page()) },
		{ keys: ["Enter", "o"], what: "Open the request", run: () => move((i) => Math.max(0, i), true) },
		{ keys: [" "], what: "Choose for an export", run: () => selected() && choose(selected()) },
		{ keys: ["f"], what: "Follow new requests, or stand still", run: () => follow(!view.value.follow) },
	];
}

export function follow(on) {
	view.set({ follow: on, fresh: 0 });
	if (on) handle.current?.toTop();
}

export function List() {
	const { turn, count, loading, search } = useStore(rows);
	const { path } = useStore(place);
	const { follow: follows, cursor, fresh } = useStore(view);
	const { chosen } = useStore(marks);
	const now = useStore(app, (v) => Math.floor((v.agent?.now_ms ?? Date.now()) / 36e5)) * 36e5;
	const phone = useMedia("(max-width: 767px)");
	const touch = useMedia("(pointer: coarse)");
	const rowHeight = phone ? 58 : touch ? 44 : 24;
	const current = path[0] === "r" ? path[1] : cursor;
	const pending = useRef(0);

	useEffect(() => {
		rows.onFresh = (n) => {
			if (view.value.follow && handle.current?.top() < rowHeight) return;
			pending.current += n;
			view.set((v) => ({ fresh: v.fresh + n }));
		};
	}, [rowHeight]);
	useLayoutEffect(() => {
		if (pending.current) handle.current.shift(pending.current);
		pending.current = 0;
	}, [count]);
	useLayoutEffect(() => {
		if (path[0] !== "r") return;
		const at = rows.indexOf(path[1]);
		if (at >= 0) handle.current.show(at);
	}, [path[0] === "r" && path[1], turn === 1]);

	const one = (index, key, y) => {
		const row = rows.at(index) ?? COMING;
		const on = row.id === current;
		const hit = search?.hits.get(row.id);
		const old = cache.get(key);
		const deps = [row, index, y, on, chosen.has(row.id), hit, now, rows.q];
		if (old && old.deps.every((d, i) => d === deps[i])) return old.node;
		const node = html`<${Row} key=${key} row=${row} index=${index} y=${y} on=${on} chosen=${chosen.has(row.id)} hit=${hit} now=${now} />`;
		cache.set(key, { deps, node });
		return node;
	};
	const click = (e) => {
		if (e.metaKey || e.ctrlKey || e.shiftKey || e.button) return;
		const id = e.target.closest("[data-id]")?.dataset.id;
		if (!id) return;
		e.preventDefault();
		view.set({ follow: false, cursor: id });
		go(`r/${id}`, undefined, path[0] === "r");
	};
	const scrolled = (top) => {
		if (top > rowHeight && view.value.follow) view.set({ follow: false });
		if (top < rowHeight && view.value.fresh && !pending.current) view.set({ fresh: 0 });
	};
	const shownCurrent = current && rows.indexOf(current) >= 0 && document.getElementById(`row-${current}`) ? `row-${current}` : undefined;
	useKeys(listKeys(), []);
	return html`<section class="list" aria-label="Requests" onClick=${click}>
		<${VirtualList} count=${count} rowHeight=${rowHeight} row=${one} handle=${handle} head=${HEAD} label="Requests, newest first" active=${shownCurrent}
			cls=${phone ? "two-lines" : ""} onRange=${(a, b) => rows.need(a, b)} onScroll=${scrolled} />
		${fresh > 0 && !follows && html`<button type="button" class="pill" onClick=${() => follow(true)}><${Icon} name="up" />${plural(fresh, "new request")}</button>`}
		${!count && !loading && html`<div class="nothing"><p><b>Nothing matches.</b></p><p class="two">Take a word out of the filter, or look at <a href=${href("", "")}>all requests</a>.</p></div>`}
	</section>`;
}
