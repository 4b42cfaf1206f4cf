// SPDX-License-Identifier: Apache-2.0
// The last lines of the log, and what comes in.

import { useState, useEffect, useRef, useLayoutEffect } from "../vendor/vendor.js";
import { html, Segments } from "../lib/ui.js";
import { oneLine } from "../lib/text.js";
import { number } from "../lib/time.js";
import { op } from "./model.js";
import { Card, Page, Search, None, fits } from "./parts.js";

const LINES_MAX = 2000;
const AGAIN_MS = 1500;

function useLog() {
	const [state, set] = useState({ lines: [], next: 0, error: null });
	useEffect(() => {
		const cut = new AbortController();
		let timer = 0;
		let after = 0;
		const run = async () => {
			try {
				if (document.visibilityState === "visible") {
					const a = await op("log", { after }, cut.signal);
					if (cut.signal.aborted) return;
					const first = after === 0 || a.next < after;
					after = a.next;
					if (first || a.rows.length) set((s) => ({ lines: [...(first ? [] : s.lines), ...a.rows].slice(-LINES_MAX), error: null }));
				}
			} catch (error) {
				if (!cut.signal.aborted) set((s) => ({ ...s, error }));
			}
			if (!cut.signal.aborted) timer = setTimeout(run, AGAIN_MS);
		};
		run();
		return () => {
			cut.abort();
			clearTimeout(timer);
		};
	}, []);
	return state;
}

const LEVEL = /(?:level=|"level":")(error|warn|info|debug)/;
const levelOf = (line) => LEVEL.exec(line)?.[1] ?? "info";
const WORTH = { error: ["error"], warn: ["error", "warn"], all: null };

export function LogPage() {
	const { lines, error } = useLog();
	const [typed, setTyped] = useState("");
	const [level, setLevel] = useState("all");
	const box = useRef();
	const stuck = useRef(true);
	const shown = lines.filter((l) => fits(typed, l) && (!WORTH[level] || WORTH[level].includes(levelOf(l))));
	useLayoutEffect(() => {
		if (box.current && stuck.current) box.current.scrollTop = box.current.scrollHeight;
	}, [shown.length, lines]);
	const scrolled = () => {
		const b = box.current;
		stuck.current = b.scrollHeight - b.scrollTop - b.clientHeight < 30;
	};
	return html`<${Page} lead=${html`<b>The last lines of the log,</b> and each that comes. They also go where aditd's standard error goes.`} error=${error}>
		<form class="acts" role="search" onSubmit=${(e) => e.preventDefault()}><${Search} value=${typed} on=${setTyped} label="Filter lines" placeholder="event=, account=, a word" /><${Segments} label="Level" value=${level} on=${setLevel} options=${[["all", "All"], ["warn", "Warnings"], ["error", "Errors"]]} /></form>
		<${Card} id="lo" title="Log" note=${shown.length === lines.length ? `${number(lines.length)} lines` : `${number(shown.length)} of ${number(lines.length)} lines`}>${shown.length ? html`<div class="log" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-label="Lines of the log">${shown.map((l, i) => html`<p key=${i} class=${{ error: "bad", warn: "wait" }[levelOf(l)] ?? ""}>${oneLine(l)}</p>`)}</div>` : html`<${None}>No line is like that.</${None}>`}</${Card}></${Page}>`;
}
