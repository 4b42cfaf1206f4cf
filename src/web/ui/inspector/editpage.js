// SPDX-License-Identifier: Apache-2.0
// Edit and replay: the request as a form, signed anew by the agent. The secret never comes here.

import { useState, useEffect, useMemo, useRef } from "../vendor/vendor.js";
import { html, Icon, Kbd, Dialog, Fault, say, sayFault, useKeys } from "../lib/ui.js";
import { State } from "../lib/icons.js";
import { ApiError, get, post, bytes as fetchBytes } from "../lib/api.js";
import { useAsk, useStore } from "../lib/store.js";
import { parse, pretty, JsonError } from "../lib/json.js";
import { parse as parseCurl } from "../lib/curl.js";
import { byPath } from "../lib/diff.js";
import { text as utf8 } from "../lib/proto.js";
import { visible } from "../lib/text.js";
import { number, size, plural } from "../lib/time.js";
import { app, go, href } from "./model.js";

const BODY_MAX = 1024 * 1024;
const OURS = /^(host|content-length|connection|transfer-encoding|accept-encoding|adit-.*|x-hub-signature(-256)?|x-forwarded-.*|forwarded|via)$/i;

async function load(id, signal) {
	const d = await get(`/v1/exchanges/${id}`, signal);
	if (!d.request) throw new ApiError(404, "no-request", "Only the edge saw this request: there is nothing of it here to edit.");
	const got = d.request.body.bytes ? await fetchBytes(`/v1/exchanges/${id}/request/body`, BODY_MAX, signal) : { bytes: new Uint8Array(0) };
	return { d, text: utf8(got.bytes), stopped: Boolean(got.stopped) };
}

function formOf({ d, text }) {
	const root = jsonOf(text ?? "").root;
	return {
		tunnel: d.tunnel, method: d.method, target: d.request.line.split(" ").slice(1, -1).join(" "), body: root ? pretty(root) : text ?? "",
		headers: d.request.received.filter(([n]) => !OURS.test(n) && !(d.request.body.coding && /^content-encoding$/i.test(n))).map(([name, value, hidden]) => ({ on: true, name, value: hidden ? null : value })),
		sign: "new", times: 1,
	};
}

const EMPTY = { tunnel: "", method: "POST", target: "/", headers: [{ on: true, name: "Content-Type", value: "application/json" }], body: "{}", sign: "new", times: 1 };

function jsonOf(text) {
	try {
		return { root: parse(text) };
	} catch (e) {
		if (!(e instanceof JsonError)) throw e;
		return { error: e };
	}
}

const isJson = (form) => form.headers.some((h) => h.on && /^content-type$/i.test(h.name) && /json/i.test(h.value ?? "")) || /^\s*[[{]/.test(form.body);

function changesOf(first, form) {
	const out = [];
	for (const [key, name] of [["tunnel", "Send to"], ["method", "Method"], ["target", "Path and query"]])
		if (first[key] !== form[key]) out.push({ path: name, a: first[key], b: form[key] });
	const was = new Map(first.headers.map((h) => [h.name.toLowerCase(), h]));
	for (const h of form.headers.filter((x) => x.name)) {
		const old = was.get(h.name.toLowerCase());
		was.delete(h.name.toLowerCase());
		if (!old) out.push({ path: h.name, a: null, b: h.on ? h.value : null });
		else if (old.value !== h.value || old.on !== h.on) out.push({ path: h.name, a: old.value, b: h.on ? h.value : null });
	}
	for (const h of was.values()) out.push({ path: h.name, a: h.value, b: null });
	if (first.body !== form.body) {
		const x = jsonOf(first.body).root;
		const y = jsonOf(form.body).root;
		if (x && y) out.push(...byPath(x, y).changes);
		else out.push({ path: "Body", a: size(first.body.length), b: size(form.body.length) });
	}
	return out;
}

function Headers({ list, on }) {
	const change = (i, patch) => on(list.map((h, n) => (n === i ? { ...h, ...patch } : h)));
	const last = useRef();
	return html`<fieldset class="hedit"><legend class="field"><span class="lab">Headers</span></legend>${list.map((h, i) => html`<div key=${i}>
		<input type="checkbox" aria-label=${`Send ${h.name || "this header"}`} checked=${h.on} onChange=${(e) => change(i, { on: e.target.checked })} />
		<input type="text" aria-label="Name" value=${h.name} spellcheck="false" ref=${i === list.length - 1 ? last : undefined} onInput=${(e) => change(i, { name: e.target.value })} />
		<input type="text" aria-label=${`Value of ${h.name || "this header"}`} value=${h.value ?? ""} placeholder=${h.value === null ? "hidden, kept as it was" : ""} spellcheck="false" onInput=${(e) => change(i, { value: e.target.value })} /></div>`)}
		<div><span></span><button type="button" onClick=${() => { on([...list, { on: true, name: "", value: "" }]); setTimeout(() => last.current?.focus()); }}>Add a header</button></div></fieldset>`;
}

function BodyField({ form, set, first }) {
	const check = useMemo(() => (isJson(form) && form.body.trim() ? jsonOf(form.body) : null), [form.body, form.headers]);
	const bytes = useMemo(() => new TextEncoder().encode(form.body).length, [form.body]);
	const area = useRef();
	const show = () => {
		area.current.focus();
		area.current.setSelectionRange(check.error.at, check.error.at + 1);
	};
	return html`<div class="field"><label for="bo">Body</label><textarea id="bo" ref=${area} rows="18" spellcheck="false" autocapitalize="off" aria-describedby="bo-c" aria-invalid=${check?.error ? "true" : undefined}
		value=${form.body} onInput=${(e) => set({ body: e.target.value })}></textarea></div>
		<p id="bo-c" class="acts">${check ? (check.error ? html`<span class="st bad"><${Icon} name="dead" />Line ${check.error.line}, column ${check.error.column}: ${check.error.what}</span> <button type="button" class="tiny" onClick=${show}>Go there</button>`
			: html`<${State} state="ok" word="Valid JSON" />`) : html`<span class="q">Text</span>`} <span class="q">${number(bytes)} bytes${first ? `, was ${number(first)}` : ""}</span><span class="grow"></span>
			${check?.root && html`<button class="plain" type="button" onClick=${() => set({ body: pretty(check.root) })}>Format</button>`}</p>`;
}

function PasteCurl({ onClose, take }) {
	const [text, set] = useState("");
	const [error, setError] = useState("");
	const use = () => {
		try {
			take(parseCurl(text));
			onClose();
		} catch (e) {
			setError(e.message);
		}
	};
	return html`<${Dialog} title="Paste a curl command" onClose=${onClose}><div class="pad"><p class="two">As browsers and manuals give it. It is read here; nothing is run.</p>
		<div class="field"><label for="curl">Command</label><textarea id="curl" rows="8" autofocus spellcheck="false" placeholder="curl -X POST https://... -H 'Content-Type: application/json' -d '{}'" value=${text}
		onInput=${(e) => { set(e.target.value); setError(""); }} onKeyDown=${(e) => (e.ctrlKey || e.metaKey) && e.key === "Enter" && use()}></textarea></div>
		${error && html`<p class="bad" role="alert">This could not be read: ${error}.</p>`}<div class="acts"><button type="button" class="primary" onClick=${use}>Use it</button><button type="button" onClick=${onClose}>Cancel</button></div></div></${Dialog}>`;
}

function Signature({ form, set, changed, parent }) {
	const option = (id, name, text, off) => html`<label class="opt"><input type="radio" name="s" checked=${form.sign === id} disabled=${off} onChange=${() => set({ sign: id })} /><span class=${off ? "two" : ""}><b>${name}</b><br /><span class="two">${text}</span></span></label>`;
	return html`<section class="card" aria-labelledby="sg"><header><h2 id="sg">Signature</h2></header><div class="pad"><div>
		${option("new", "Sign anew", `The agent signs with the secret of ${form.tunnel}. The secret never comes into this page.`)}
		${parent && option("kept", "As it was", changed ? "Not possible: the body has changed, so the old signature is wrong." : "The signature that came with it.", changed)}
		${option("none", "None", "To see what the origin says to an unsigned webhook.")}</div></div></section>`;
}

function Changes({ list }) {
	if (!list.length) return null;
	return html`<section class="card" aria-labelledby="ch"><header><h2 id="ch">What you changed</h2></header><div class="scroll" tabindex="0" role="region" aria-label="Changes"><table class="diff stackd"><tbody>${list.slice(0, 40).map((c, i) => html`
		<tr key=${`p${i}`}><td class="va path">${visible(c.path)}</td></tr>${c.a !== null && c.a !== undefined && html`<tr><td class="va a">- <del>${visible(c.a)}</del></td></tr>`}${c.b !== null && c.b !== undefined && html`<tr><td class="vb b">+ <ins>${visible(c.b)}</ins></td></tr>`}`)}</tbody></table></div></section>`;
}

// id: the request that is edited, or nothing for a new one.
export function EditPage({ id }) {
	const agent = useStore(app, (v) => v.agent);
	const { data, error, again } = useAsk((signal) => (id ? load(id, signal) : Promise.resolve(null)), id ?? "");
	const [form, setForm] = useState(null);
	const [curl, setCurl] = useState(false);
	const first = useMemo(() => (id ? data && formOf(data) : { ...EMPTY, tunnel: agent?.tunnels[0]?.name ?? "" }), [id, data, Boolean(agent)]);
	useEffect(() => {
		if (first) setForm(first);
	}, [first]);
	const set = (patch) => setForm((f) => ({ ...f, ...patch }));
	const changes = useMemo(() => (form && first ? changesOf(first, form) : []), [form, first]);
	const bodyChanged = Boolean(form && first && form.body !== first.body);
	const places = [...(agent?.tunnels ?? []), ...(agent?.targets ?? [])];

	const submit = async () => {
		const headers = form.headers.filter((h) => h.on && h.name).map((h) => [h.name, h.value]);
		if (form.sign === "kept") data.d.request.received.filter(([n]) => /signature/i.test(n)).forEach(([n]) => headers.push([n, null]));
		// Untouched bytes go as they came: the page shows JSON with line breaks that the sender did not have.
		const body = bodyChanged || !id ? form.body : data.text;
		try {
			const { ids } = await post("/v1/send", { tunnel: form.tunnel, method: form.method, target: form.target, headers, body, sign: form.sign === "new", parent: id, times: form.times });
			say(`Sent as #${ids[0]}.`);
			go(`r/${ids[0]}`);
		} catch (e) {
			sayFault(e);
		}
	};
	const takeCurl = (c) => {
		const url = new URL(c.url, "http://x");
		set({ method: c.method, target: url.pathname + url.search, headers: c.headers.map(([name, value]) => ({ on: !OURS.test(name), name, value })), body: c.body ?? "" });
		if (c.notes.length) say(`${c.notes.join("; ")}.`);
	};
	useKeys([
		{ keys: ["Mod+Enter"], what: "Send", inFields: true, run: () => { submit(); } },
		{ keys: ["Escape"], what: "Back to the request", run: () => go(id ? `r/${id}` : "") },
	], [form, id]);

	const title = id ? `Edit and replay #${id}` : "Send a request";
	return html`<main class="page" id="main" tabindex="-1"><nav aria-label="Back"><a href=${href("")}>Requests</a> <span class="q">/</span> ${id && html`<a href=${href(`r/${id}`)}>#${id}</a> <span class="q">/</span> `}${id ? "Edit and replay" : "Send"}</nav>
		<div class="acts"><h1 class="lead"><b>${title}</b></h1><span class="grow"></span><button type="button" onClick=${() => setCurl(true)}>Paste a curl command</button><button type="button" disabled=${!changes.length} onClick=${() => setForm(first)}>Undo all changes</button></div>
		${error && html`<${Fault} error=${error} again=${again} />`}
		${data?.stopped && html`<p class="note wait">The body is larger than ${size(BODY_MAX)}: only that much can be edited. Replay sends all of it.</p>`}
		${data && data.text === null && html`<p class="note wait">The body is no text, so it cannot be edited here. What is sent has the body that you write.</p>`}
		${form && html`<form class="side" onSubmit=${(e) => { e.preventDefault(); submit(); }}><div class="card"><header><h2>Request</h2>${id && changes.length > 0 && html`<span class="tag made">${plural(changes.length, "change")}</span>`}</header><div class="pad">
			<div class="fields"><div class="field"><label for="to">Send to</label><select id="to" value=${form.tunnel} onChange=${(e) => set({ tunnel: e.target.value })}>${places.map((t) => html`<option key=${t.name} value=${t.name}>${t.name}, ${t.origin}</option>`)}</select></div>
				<div class="field"><label for="me">Method</label><input id="me" type="text" class="m" list="methods" value=${form.method} spellcheck="false" onInput=${(e) => set({ method: e.target.value.toUpperCase() })} /></div>
				<datalist id="methods">${["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].map((m) => html`<option key=${m} value=${m}></option>`)}</datalist>
				<div class="field"><label for="pa">Path and query</label><input id="pa" type="text" class="m" spellcheck="false" value=${form.target} onInput=${(e) => set({ target: e.target.value })} /></div></div>
			<${Headers} list=${form.headers} on=${(headers) => set({ headers })} /><${BodyField} form=${form} set=${set} first=${id && new TextEncoder().encode(first.body).length} /></div></div>
			<div class="page-side fields1"><${Signature} form=${form} set=${set} changed=${bodyChanged} parent=${id} />${id && html`<${Changes} list=${changes} />`}
			<section class="card stickyacts" aria-label="Send"><div class="pad"><div class="field"><label for="ti">How often</label><select id="ti" value=${form.times} onChange=${(e) => set({ times: Number(e.target.value) })}><option value="1">once</option><option value="5">5 times, one after the other</option><option value="25">25 times, one after the other</option></select></div>
				<p class="two">It goes straight to the origin, is marked as ${id ? `your replay of #${id}` : "made by you"} and is not tried again.</p><button class="primary" type="submit">Send <${Kbd}>Ctrl Enter</${Kbd}></button></div></section></div></form>`}
		${curl && html`<${PasteCurl} onClose=${() => setCurl(false)} take=${takeCurl} />`}</main>`;
}
