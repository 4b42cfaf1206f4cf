// SPDX-License-Identifier: Apache-2.0
// Two requests side by side: first a sentence, then what differs, by path; what always changes is folded.

import { useState, useEffect, useMemo, diffWordsWithSpace, diffLines } from "../vendor/vendor.js";
import { html, Icon, Kbd, Segments, Fault, copied, useKeys } from "../lib/ui.js";
import { Tag } from "../lib/icons.js";
import { get, bytes as fetchBytes } from "../lib/api.js";
import { useAsk } from "../lib/store.js";
import { parse } from "../lib/json.js";
import { byPath, headers, sentence, asText } from "../lib/diff.js";
import { urlencoded } from "../lib/form.js";
import { visible, oneLine } from "../lib/text.js";
import { full, number, plural, size } from "../lib/time.js";
import { go, href } from "./model.js";
import { compareBefore } from "./actions.js";

const BODY_MAX = 2 * 1024 * 1024;
const LINES_MAX = 20000;

async function load(id, side, signal) {
	const detail = await get(`/v1/exchanges/${id}`, signal);
	const part = detail[side];
	let text = "";
	let stopped = false;
	if (part?.body.bytes) {
		const got = await fetchBytes(`/v1/exchanges/${id}/${side}/body`, BODY_MAX, signal);
		text = new TextDecoder().decode(got.bytes);
		({ stopped } = got);
	}
	return { detail, part, text, stopped };
}

function tree(text) {
	try {
		return parse(text);
	} catch {
		return null;
	}
}

const formTree = (text) => ({ type: "object", keys: urlencoded(text).map((f) => ({ name: f.name, node: { type: "string", value: f.value } })) });

function compareBody(a, b) {
	const type = `${a.part?.body.type ?? ""}|${b.part?.body.type ?? ""}`;
	const x = tree(a.text);
	const y = tree(b.text);
	if (x && y) return { name: "Body", how: "JSON, keys sorted, arrays by position", ...byPath(x, y) };
	if (/x-www-form-urlencoded.*\|.*x-www-form-urlencoded/.test(type)) return { name: "Body", how: "fields of a form", ...byPath(formTree(a.text), formTree(b.text)) };
	return { name: "Body", how: "by lines", ...byLines(a.text, b.text) };
}

function byLines(a, b) {
	const out = { changes: [], equal: [], equalCount: 0, cut: false };
	if (a === b) {
		out.equalCount = a ? a.split("\n").length : 0;
		return out;
	}
	if (a.length + b.length > BODY_MAX) return { ...out, cut: true, changes: [{ kind: "changed", path: "all", a: size(a.length), b: size(b.length) }] };
	let line = 1;
	for (const p of diffLines(a, b, { maxEditLength: LINES_MAX }) ?? []) {
		if (p.added) out.changes.push({ kind: "b", path: `line ${line}`, a: null, b: p.value });
		else if (p.removed) out.changes.push({ kind: "a", path: `line ${line}`, a: p.value, b: null });
		else out.equalCount += p.count;
		if (!p.removed) line += p.count;
	}
	return out;
}

function compare(a, b, side, raw) {
	const start = (d) => (side === "request" ? d.part?.line.split(" ").slice(0, -1).join(" ") : d.part?.line.split(" ").slice(1).join(" ")) ?? "";
	const head = headers(a.part?.received ?? [], b.part?.received ?? []);
	if (start(a) !== start(b)) head.changes.unshift({ kind: "changed", path: side === "request" ? "target" : "status", a: start(a), b: start(b), volatile: false });
	else head.equalCount++;
	const body = raw ? { name: "Body", how: "raw, by lines", ...byLines(a.text, b.text) } : compareBody(a, b);
	return [{ name: side === "request" ? "Request line and headers" : "Status line and headers", how: `compared as a set${head.sameOrder ? "; the order is the same" : "; the order differs"}`, ...head }, body];
}

// A change inside of two texts, marked word by word on its own side.
function Words({ a, b, side }) {
	const parts = useMemo(() => (a.length + b.length < 4000 ? diffWordsWithSpace(a, b) : [{ value: side === "a" ? a : b, removed: side === "a", added: side === "b" }]), [a, b, side]);
	return parts.filter((p) => (side === "a" ? !p.added : !p.removed)).map((p, i) => (p.removed ? html`<del key=${i}>${visible(p.value)}</del>` : p.added ? html`<ins key=${i}>${visible(p.value)}</ins>` : html`<span key=${i}>${visible(p.value)}</span>`));
}

const KINDS = { changed: ["~", "changed"], a: ["-", "only in A"], b: ["+", "only in B"], equal: ["=", "equal"] };

function Line({ change: c }) {
	const [sign, word] = KINDS[c.kind];
	return html`<tr class=${`d-${c.kind}`}><td class="sg" title=${word}><span aria-hidden="true">${sign}</span><span class="vh">${word}</span></td><td class="path">${visible(c.path)}</td>
		<td class=${`va${c.a !== null && c.kind !== "equal" ? " a" : ""}`}>${c.kind === "changed" ? html`<${Words} a=${c.a} b=${c.b} side="a" />` : c.kind === "a" ? html`<del>${visible(c.a)}</del>` : visible(c.a ?? "")}</td>
		<td class=${`vb${c.b !== null && c.kind !== "equal" ? " b" : ""}`}>${c.kind === "changed" ? html`<${Words} a=${c.a} b=${c.b} side="b" />` : c.kind === "b" ? html`<ins>${visible(c.b)}</ins>` : visible(c.b ?? "")}</td></tr>`;
}

function Part({ part, fold, equal, ids }) {
	const [open, setOpen] = useState(false);
	const quiet = part.changes.filter((c) => c.volatile);
	const loud = fold && !open ? part.changes.filter((c) => !c.volatile) : part.changes;
	const names = quiet.slice(0, 3).map((c) => c.path).join(", ");
	const id = `part-${part.name.replace(/\W/g, "")}`;
	return html`<section class="card" aria-labelledby=${id}><header><h2 id=${id}>${part.name}</h2><span class="q">${part.how}</span></header>
		${!part.changes.length && !equal ? html`<p class="pad two">${part.equalCount ? `Equal: ${plural(part.equalCount, "value")}.` : "Both are empty."}</p>` : html`<div class="scroll" tabindex="0" role="region" aria-label=${`Differences: ${part.name}`}><table class="diff">
		<colgroup><col class="g" /><col class="p" /><col /><col /></colgroup><thead><tr><th scope="col"><span class="vh">Kind</span></th><th scope="col">Path</th><th scope="col">A #${ids[0]}</th><th scope="col">B #${ids[1]}</th></tr></thead>
		<tbody>${loud.map((c, i) => html`<${Line} key=${`${c.path} ${i}`} change=${c} />`)}
		${equal && part.equal.map((c, i) => html`<${Line} key=${`e${i}`} change=${c} />`)}
		${fold && quiet.length > 0 && html`<tr class="fold"><td colspan="4"><button class="tiny" type="button" onClick=${() => setOpen(!open)}>${open ? "Fold" : "Show"}</button> ${plural(quiet.length, "value")} that always change${quiet.length === 1 ? "s" : ""}: ${visible(names)}${quiet.length > 3 ? ", ..." : ""}</td></tr>`}
		${part.cut && html`<tr class="fold"><td colspan="4">There are more differences than can be shown.</td></tr>`}</tbody></table></div>`}</section>`;
}

const Card = ({ letter, detail }) => html`<section class="card" aria-label=${letter.toUpperCase()}><h2><span class=${`letter ${letter}`}>${letter.toUpperCase()}</span><a class="m cell" href=${href(`r/${detail.id}`)}>#${detail.id}</a>
	${oneLine(detail.event || `${detail.method} ${detail.path}`)} <${Tag} state=${detail.state} /></h2><p class="two">${oneLine(detail.repository)} ${oneLine(detail.branch)} ${full(detail.at_ms)}${detail.status ? `, answered ${detail.status}` : ""}</p></section>`;

function step(by) {
	const all = [...document.querySelectorAll(".d-changed, .d-a, .d-b")];
	const at = all.findIndex((el) => el.classList.contains("here"));
	all[at]?.classList.remove("here");
	const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
	next?.classList.add("here");
	next?.scrollIntoView({ block: "center" });
}

export function DiffPage({ a, b }) {
	const [side, setSide] = useState("request");
	const [raw, setRaw] = useState("path");
	const [fold, setFold] = useState(true);
	const [equal, setEqual] = useState(false);
	const { data, error, again } = useAsk((signal) => Promise.all([load(a, side, signal), load(b, side, signal)]), `${a} ${b} ${side}`);
	const parts = useMemo(() => data && compare(data[0], data[1], side, raw === "raw"), [data, raw]);
	const said = parts && sentence(parts);
	const quiet = parts ? parts.reduce((n, p) => n + p.changes.filter((c) => c.volatile).length, 0) : 0;
	const same = parts ? parts.reduce((n, p) => n + p.equalCount, 0) : 0;
	useEffect(() => document.getElementById("main")?.focus(), [a, b]);
	useKeys([
		{ keys: ["j", "n"], what: "Next difference", run: () => step(1) },
		{ keys: ["k", "N"], what: "Difference before", run: () => step(-1) },
		{ keys: ["s"], what: "Swap A and B", run: () => go(`diff/${b}/${a}`) },
		{ keys: ["Escape"], what: "Back to the request", run: () => go(`r/${b}`) },
	], [a, b]);
	return html`<main class="page" id="main" tabindex="-1"><nav aria-label="Back"><a href=${href("")}>Requests</a> <span class="q">/</span> <a href=${href(`r/${b}`)}>#${b}</a> <span class="q">/</span> Diff</nav>
		${error && html`<${Fault} error=${error} again=${again} />`}
		<h1 class="lead">${said ? html`<b>${visible(said.head)}</b> ${said.rest}` : html`<b>Comparing #${a} with #${b}</b>`}</h1>
		${data && html`<div class="pair"><${Card} letter="a" detail=${data[0].detail} /><${Icon} name="swap" /><${Card} letter="b" detail=${data[1].detail} /></div>
		<div class="acts"><${Segments} label="Side" options=${[["request", "Requests"], ["response", "Responses"]]} value=${side} on=${setSide} />
			<${Segments} label="Compare as" options=${[["path", "By path"], ["raw", "Raw"]]} value=${raw} on=${setRaw} />
			<label class="inline"><input type="checkbox" checked=${fold} onChange=${(e) => setFold(e.target.checked)} /> Fold what always changes (${number(quiet)})</label>
			<label class="inline"><input type="checkbox" checked=${equal} onChange=${(e) => setEqual(e.target.checked)} /> Show equal fields (${number(same)})</label><span class="grow"></span>
			<button type="button" onClick=${() => go(`diff/${b}/${a}`)}><${Icon} name="swap" />Swap <${Kbd}>S</${Kbd}></button><button type="button" onClick=${() => compareBefore(b)}>Compare with the one before</button>
			<button type="button" onClick=${() => copied(asText(`#${a} and #${b}`, parts), "the difference as text")}>Copy as text</button></div>
		${(data[0].stopped || data[1].stopped) && html`<p class="note wait">Only the first ${size(BODY_MAX)} of each body are compared.</p>`}
		${parts.map((p) => html`<${Part} key=${`${side}${p.name}`} part=${p} fold=${fold} equal=${equal} ids=${[a, b]} />`)}
		<p class="q">Marked by a sign, a place and a line under or through the text; colour comes last. <kbd>J</kbd> <kbd>K</kbd> next and previous difference, <kbd>Esc</kbd> back.</p>`}</main>`;
}
