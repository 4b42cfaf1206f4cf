// SPDX-License-Identifier: Apache-2.0
// A list of any length with rows of one height: only what can be seen is in the page, and nodes are used again.

import { useState, useRef, useLayoutEffect, useEffect } from "../vendor/vendor.js";
import { html } from "./icons.js";

const AHEAD = 6;

// count, rowHeight, row(index) -> element with key `index % pool`; onRange(first, last); handle: ref with scrollTo,
// shift(n): n rows came in above and the view stays on what it shows.
export function VirtualList({ count, rowHeight, row, onRange, handle, onScroll, head, label, active, keys, cls = "" }) {
	const box = useRef();
	const body = useRef();
	const [at, setAt] = useState({ first: 0, size: 40 });
	const frame = useRef(0);

	const look = () => {
		frame.current = 0;
		const el = box.current;
		if (!el) return;
		const top = el.scrollTop;
		const size = Math.ceil(el.clientHeight / rowHeight) + AHEAD;
		const first = Math.max(0, Math.min(Math.floor(top / rowHeight) - (AHEAD >> 1), Math.max(0, count - size)));
		setAt((old) => (old.first === first && old.size === size ? old : { first, size }));
		onScroll?.(top);
	};
	const soon = () => {
		frame.current ||= requestAnimationFrame(look);
	};

	useLayoutEffect(look, [count, rowHeight]);
	useEffect(() => {
		const seen = new ResizeObserver(soon);
		seen.observe(box.current);
		return () => seen.disconnect();
	}, [count, rowHeight]);
	const last = Math.min(count, at.first + at.size);
	useEffect(() => onRange?.(at.first, last), [at.first, last, count]);

	if (handle)
		handle.current = {
			element: () => box.current,
			top: () => box.current.scrollTop,
			toTop: () => { box.current.scrollTop = 0; },
			shift: (n) => { box.current.scrollTop += n * rowHeight; },
			show(index) {
				const el = box.current;
				const head = body.current.offsetTop;
				const top = index * rowHeight;
				const margin = Math.min(2, index) * rowHeight;
				if (top - margin < el.scrollTop) el.scrollTop = top - margin;
				else if (top + rowHeight * 3 + head > el.scrollTop + el.clientHeight) el.scrollTop = top + rowHeight * 3 + head - el.clientHeight;
			},
		};

	const rows = [];
	for (let i = at.first; i < last; i++) rows.push([i % at.size, row(i, i % at.size, i * rowHeight)]);
	// A node keeps its place among its siblings while what it shows changes: none is ever moved.
	rows.sort((a, b) => a[0] - b[0]);
	return html`<div class=${`vlist ${cls}`} ref=${box} onScroll=${soon} role="grid" aria-label=${label} aria-rowcount=${count + (head ? 1 : 0)} tabindex="0"
		aria-activedescendant=${active} onKeyDown=${keys}>
		${head}<div class="vbody" ref=${body} role="rowgroup" style=${{ height: `${count * rowHeight}px` }}>${rows.map(([, node]) => node)}</div></div>`;
}
