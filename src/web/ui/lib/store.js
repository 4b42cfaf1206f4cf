// SPDX-License-Identifier: Apache-2.0
// What several parts of a page look at: a value, changed in one place, told once a frame.

import { useState, useEffect } from "../vendor/vendor.js";

export class Store {
	constructor(value) {
		this.value = value;
		this.readers = new Set();
		this.asked = 0;
	}

	set(patch) {
		this.value = { ...this.value, ...(typeof patch === "function" ? patch(this.value) : patch) };
		this.tell();
	}

	tell() {
		if (this.asked) return;
		this.asked = 1;
		queueMicrotask(() => {
			this.asked = 0;
			for (const f of [...this.readers]) f(this.value);
		});
	}

	on(f) {
		this.readers.add(f);
		return () => this.readers.delete(f);
	}
}

export function useStore(store, pick = (v) => v) {
	const [, again] = useState(0);
	const picked = pick(store.value);
	useEffect(() => {
		let last = pick(store.value);
		const look = () => {
			const now = pick(store.value);
			if (now !== last) {
				last = now;
				again((n) => n + 1);
			}
		};
		look();
		return store.on(look);
	}, [store]);
	return picked;
}

// Asks once and again when a key changes: {data, error, again}. What is asked no more is cut off.
export function useAsk(ask, key) {
	const [state, set] = useState({ key: null, data: null, error: null });
	const [turn, again] = useState(0);
	useEffect(() => {
		const cut = new AbortController();
		ask(cut.signal).then(
			(data) => cut.signal.aborted || set({ key, data, error: null }),
			(error) => cut.signal.aborted || set((s) => ({ key, data: s.key === key ? s.data : null, error })));
		return () => cut.abort();
	}, [key, turn]);
	const right = state.key === key;
	return { data: right ? state.data : null, error: right ? state.error : null, again: () => again((n) => n + 1) };
}
