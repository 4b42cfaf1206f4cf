// SPDX-License-Identifier: Apache-2.0
// The shapes of states and actions. A state has a shape and a word beside its colour. The page carries each shape once.

import { h, htm } from "../vendor/vendor.js";

export const html = htm.bind(h);

const SHAPES = {
	delivered: [["circle", { cx: 8, cy: 8, r: 7, class: "full" }], ["path", { d: "m5 8.2 2.2 2.2L11.2 6", class: "cutout" }]],
	queued: [["rect", { x: 2, y: 2, width: 12, height: 12, rx: 2 }], ["path", { d: "M2 9h12v3a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2z", class: "full" }]],
	sending: [["path", { d: "M2 8h11M9 4l4 4-4 4" }]],
	retrying: [["path", { d: "M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 1.5V5H10" }]],
	parked: [["rect", { x: 1, y: 1, width: 14, height: 14, rx: 3, class: "full" }], ["path", { d: "M6 5v6M10 5v6", class: "cutout" }]],
	refused: [["circle", { cx: 8, cy: 8, r: 6.2 }], ["path", { d: "m3.8 3.8 8.4 8.4" }]],
	dead: [["path", { d: "m3 3 10 10M13 3 3 13", class: "bold" }]],
	dropped: [["circle", { cx: 8, cy: 8, r: 6.2, class: "dots" }]],
	answered: [["circle", { cx: 8, cy: 8, r: 6.2 }], ["path", { d: "M5.5 8h5M8.5 6l2 2-2 2" }]],
	failing: [["path", { d: "M8 1.5 15 14H1z", class: "full" }], ["path", { d: "M8 6v4M8 12v.1", class: "cutout" }]],
	child: [["path", { d: "M4 1v7a3 3 0 0 0 3 3h6M10 8l3 3-3 3" }]],
	skip: [["path", { d: "M3 8h10", class: "dots" }]],
	search: [["circle", { cx: 7, cy: 7, r: 4.5 }], ["path", { d: "m10.5 10.5 4 4" }]],
	theme: [["circle", { cx: 8, cy: 8, r: 6 }], ["path", { d: "M8 2a6 6 0 0 1 0 12z", class: "full" }]],
	pin: [["path", { d: "M5 2h6M6 2v5l-2 3h8l-2-3V2M8 10v4.5" }]],
	x: [["path", { d: "m5 5 6 6M11 5l-6 6" }]],
	back: [["path", { d: "M13 8H3M7 4 3 8l4 4" }]],
	swap: [["path", { d: "M3 5h10l-3-3M13 11H3l3 3" }]],
	copy: [["rect", { x: 5, y: 5, width: 9, height: 9, rx: 1.5 }], ["path", { d: "M11 5V3.5A1.5 1.5 0 0 0 9.5 2h-6A1.5 1.5 0 0 0 2 3.5v6A1.5 1.5 0 0 0 3.5 11H5" }]],
	up: [["path", { d: "M8 13V3M4 7l4-4 4 4" }]],
	down: [["path", { d: "M8 3v10M4 9l4 4 4-4" }]],
	open: [["circle", { cx: 8, cy: 8, r: 6.2 }], ["path", { d: "M8 4.5V8l2.5 1.5" }]],
	more: [["path", { d: "M3 8h.1M8 8h.1M13 8h.1", class: "bold" }]],
};

export const Sprite = () => html`<svg hidden>${Object.entries(SHAPES).map(([id, parts]) =>
	html`<symbol key=${id} id=${`i-${id}`} viewBox="0 0 16 16">${parts.map(([tag, p], i) => h(tag, { key: i, ...p }))}</symbol>`)}</svg>`;

export const Icon = ({ name, label, tone }) => html`<svg class=${`i ${tone ?? ""}`} role=${label ? "img" : undefined} aria-label=${label}
	aria-hidden=${label ? undefined : "true"}><use href=${`#i-${name}`} /></svg>`;

export const Mark = () => html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 5h18M6 5 4 21M18 5l2 16M10 21l1.3-8M14 21l-1.3-8" /><circle
	class="lampdot" cx="12" cy="9.5" r="1.8" /></svg>`;

// The word, the shape and the colour of each state of a row, of a tunnel and of the link.
const STATES = {
	open: ["open", "idle"], answered: ["answered", "ok"], failed: ["failing", "bad"], refused: ["refused", "bad"], queued: ["queued", "idle"],
	sending: ["sending", "idle"], retrying: ["retrying", "wait"], delivered: ["delivered", "ok"], parked: ["parked", "wait"], dropped: ["dropped", "idle"],
	dead: ["dead", "bad"], online: ["delivered", "ok"], failing: ["failing", "bad"], away: ["open", "wait"], unknown: ["open", "idle"],
	connecting: ["sending", "wait"], reconnecting: ["retrying", "wait"], stopped: ["dropped", "bad"], ok: ["delivered", "ok"], wait: ["open", "wait"],
	bad: ["dead", "bad"], none: ["skip", "idle"],
};

export const shape = (state) => STATES[state]?.[0] ?? "open";
export const tone = (state) => STATES[state]?.[1] ?? "idle";

export const State = ({ state, word }) => html`<span class=${`st ${tone(state)}`}><${Icon} name=${shape(state)} />${word ?? state}</span>`;
export const Tag = ({ state, word }) => html`<span class=${`tag ${tone(state)}`}><${Icon} name=${shape(state)} />${word ?? state}</span>`;
