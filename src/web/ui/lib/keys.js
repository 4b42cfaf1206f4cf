// SPDX-License-Identifier: Apache-2.0
// Keys of a page: one table, which the help page prints, too. A key is a letter as typed ("j", "?", "G"), a name
// ("Enter", "Escape", "ArrowDown"), or "Mod+k" with Ctrl or Cmd. Two letters one after the other: "g i".

const sets = [];
let before = "";
let beforeAt = 0;

const typing = (el) => el instanceof Element && (el.matches("input:not([type=checkbox],[type=radio]), textarea, select") || el.isContentEditable);

function name(e) {
	const mod = e.ctrlKey || e.metaKey;
	return `${mod ? "Mod+" : ""}${e.altKey ? "Alt+" : ""}${e.shiftKey && e.key.length > 1 ? "Shift+" : ""}${e.key.length === 1 && mod ? e.key.toLowerCase() : e.key}`;
}

function find(key) {
	for (let i = sets.length - 1; i >= 0; i--) {
		const hit = sets[i].rows.find((r) => r.keys.includes(key) && (!r.when || r.when()));
		if (hit) return hit;
		if (sets[i].alone) return null;
	}
	return null;
}

addEventListener("keydown", (e) => {
	if (e.defaultPrevented || e.isComposing || e.key === "Control" || e.key === "Meta" || e.key === "Shift") return;
	const key = name(e);
	const inField = typing(e.target);
	const pair = before && e.timeStamp - beforeAt < 1200 ? find(`${before} ${key}`) : null;
	const row = pair ?? find(key);
	before = inField ? "" : key;
	beforeAt = e.timeStamp;
	if (!row || (inField && !row.inFields)) return;
	// Enter and space belong to the control that has the focus.
	if ((key === "Enter" || key === " ") && e.target instanceof Element && e.target.closest("a, button, summary, select")) return;
	if (row.run(e) !== false) e.preventDefault();
});

// rows: [{keys: [..], what, run, when, inFields, hidden}]; alone: sets below are not asked (a dialog). Returns the undo.
export function bind(rows, alone = false) {
	const set = { rows, alone };
	sets.push(set);
	return () => sets.splice(sets.indexOf(set), 1);
}

export const bound = () => sets.flatMap((s) => s.rows).filter((r) => !r.hidden && r.what);

const SHOWN = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", " ": "Space" };
const mac = /Mac|iPhone|iPad/.test(navigator.platform ?? "");
export const shown = (key) => (key === " " ? "Space" : key.split(" ").map((k) => k.replace("Mod+", mac ? "⌘ " : "Ctrl ").replace(/[A-Za-z]+$/, (w) => SHOWN[w] ?? w)).join(" "));
