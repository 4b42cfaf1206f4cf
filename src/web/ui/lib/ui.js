// SPDX-License-Identifier: Apache-2.0
// Small parts that all pages have: copying, menus, dialogs, notices, faults.

import { useState, useEffect, useRef, useLayoutEffect } from "../vendor/vendor.js";
import { html, Icon } from "./icons.js";
import { bind } from "./keys.js";
import { copy } from "./text.js";
import { Store, useStore } from "./store.js";

export { html, Icon };

// The time, told again each so many ms.
export function useNow(ms = 1000) {
	const [now, set] = useState(Date.now());
	useEffect(() => {
		const t = setInterval(() => set(Date.now()), ms);
		return () => clearInterval(t);
	}, [ms]);
	return now;
}

const notices = new Store({ list: [] });
let number = 0;

// A line at the bottom, read out by screen readers; action: {name, run}. It goes by itself, faults stay.
export function say(text, { tone = "", action = null, stay = tone === "bad" } = {}) {
	const id = ++number;
	notices.set((v) => ({ list: [...v.list.slice(-2), { id, text, tone, action }] }));
	if (!stay) setTimeout(() => drop(id), 6000);
}

export const sayFault = (e) => say(`${e.message}${e.todo ? ` ${e.todo}` : ""}`, { tone: "bad" });

const drop = (id) => notices.set((v) => ({ list: v.list.filter((n) => n.id !== id) }));

export function Notices() {
	const list = useStore(notices, (v) => v.list);
	return html`<div class="notices" role="status" aria-live="polite">${list.map((n) => html`<p key=${n.id} class=${`notice ${n.tone}`}>
		<span>${n.text}</span>${n.action && html`<button type="button" class="tiny" onClick=${() => { drop(n.id); n.action.run(); }}>${n.action.name}</button>`}
		<button type="button" class="plain" onClick=${() => drop(n.id)}><${Icon} name="x" label="Close this line" /></button></p>`)}</div>`;
}

export async function copied(text, what) {
	try {
		await copy(text);
		say(`Copied ${what}.`);
	} catch {
		say("The browser did not let this page copy. Select the text and press Ctrl C.", { tone: "bad" });
	}
}

export const Copy = ({ text, what, children, cls = "tiny" }) => html`<button type="button" class=${cls}
	onClick=${async () => copied(typeof text === "function" ? await text() : text, what)}>${children ?? "Copy"}${what && html`<span class="vh"> ${what}</span>`}</button>`;

export const Kbd = ({ children }) => html`<kbd aria-hidden="true">${children}</kbd>`;

export const Cmd = ({ text, what }) => html`<div class="cmd"><code tabindex="0">${text}</code><${Copy} text=${text} what=${what ?? text} cls=""><${Icon} name="copy" />Copy</${Copy}></div>`;

export const Fault = ({ error, again }) => html`<div class="note bad" role="alert"><p><b>${error.message}</b> ${error.todo}</p>
	${again && html`<div class="acts"><button type="button" onClick=${again}>Ask again</button></div>`}</div>`;

// One of several: buttons in a row.
export const Segments = ({ label, options, value, on }) => html`<span class="seg" role="group" aria-label=${label}>${options.map(([id, name]) =>
	html`<button key=${id} type="button" aria-pressed=${String(id === value)} onClick=${() => on(id)}>${name}</button>`)}</span>`;

// A dialog of the page: the browser keeps the focus inside and gives it back.
export function Dialog({ title, onClose, children, cls = "" }) {
	const ref = useRef();
	useLayoutEffect(() => {
		ref.current.showModal();
		return bind([], true);
	}, []);
	return html`<dialog ref=${ref} class=${`dialog ${cls}`} aria-label=${title} onClose=${onClose} onCancel=${onClose}
		onClick=${(e) => e.target === ref.current && onClose()}><div class="dialog-in"><header><h2>${title}</h2><span class="grow"></span>
		<button type="button" class="plain" onClick=${onClose}><${Icon} name="x" label="Close" /></button></header>${children}</div></dialog>`;
}

// A button that opens a list of actions: [{name, run, note, key}].
export function Menu({ label, items, children, cls = "", open: asked, onClose }) {
	const [open, setOpen] = useState(false);
	const box = useRef();
	const shown = asked ?? open;
	const close = (focus) => {
		setOpen(false);
		onClose?.();
		if (focus) box.current?.querySelector("button")?.focus();
	};
	useEffect(() => {
		if (!shown) return undefined;
		const out = (e) => box.current?.contains(e.target) || close();
		addEventListener("pointerdown", out);
		box.current.querySelector("[role=menuitem]")?.focus();
		return () => removeEventListener("pointerdown", out);
	}, [shown]);
	const keys = (e) => {
		const all = [...box.current.querySelectorAll("[role=menuitem]")];
		const at = all.indexOf(document.activeElement);
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, j: at + 1, k: at - 1, Home: 0, End: all.length - 1 }[e.key];
		if (to !== undefined) all[(to + all.length) % all.length]?.focus();
		else if (e.key === "Escape") close(true);
		else if (e.key === "Tab") return close();
		else return undefined;
		e.preventDefault();
		e.stopPropagation();
		return undefined;
	};
	return html`<span class="menu" ref=${box} onKeyDown=${shown ? keys : undefined}><button type="button" class=${cls} aria-haspopup="menu" aria-expanded=${String(shown)}
		onClick=${() => (shown ? close() : setOpen(true))}>${children}</button>
		${shown && html`<div class="menu-list" role="menu" aria-label=${label}>${items.map((item) => html`<button key=${item.name} type="button" role="menuitem" tabindex="-1"
			onClick=${() => { close(true); item.run(); }}><span>${item.name}</span>${item.note && html`<small>${item.note}</small>`}</button>`)}</div>`}</span>`;
}

export function useMedia(query) {
	const [is, set] = useState(matchMedia(query).matches);
	useEffect(() => {
		const m = matchMedia(query);
		const on = () => set(m.matches);
		on();
		m.addEventListener("change", on);
		return () => m.removeEventListener("change", on);
	}, [query]);
	return is;
}

export function useKeys(rows, deps) {
	// Before the page is painted: a key never acts on the row before.
	useLayoutEffect(() => bind(rows), deps);
}
