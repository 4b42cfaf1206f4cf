// SPDX-License-Identifier: Apache-2.0
// What happens, as it happens: one text/event-stream a tab, by fetch, and only while the tab can be seen, because a
// browser has six connections for all tabs of one host. It goes on where it stopped.

import { ask } from "./api.js";
import { EventReader } from "./sse.js";

const SILENT_MS = 35000;
const AGAIN_MS = [500, 1000, 2000, 5000];

// path(after) gives the address; on(type, data) takes each event, data parsed; state("live"|"paused"|"away") as it is.
export function follow({ path, on, state }) {
	let after = "";
	let ends = null;
	let tries = 0;
	let timer = 0;
	let stopped = false;

	async function run() {
		ends = new AbortController();
		let watch = 0;
		const alive = () => {
			clearTimeout(watch);
			watch = setTimeout(() => ends.abort(), SILENT_MS);
		};
		try {
			alive();
			const answer = await ask(path(after), { signal: ends.signal, headers: { Accept: "text/event-stream" } });
			state("live");
			tries = 0;
			await read(answer, alive);
		} catch {
			// It is asked again below, whatever ended it.
		}
		clearTimeout(watch);
		ends = null;
		if (stopped) return;
		if (document.visibilityState !== "visible") {
			state("paused");
			return;
		}
		state("away");
		timer = setTimeout(run, AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]);
	}

	async function read(answer, alive) {
		const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
		const events = new EventReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			alive();
			for (const e of events.feed(value)) {
				if (e.data === null) continue;
				const data = JSON.parse(e.data);
				if (data.changed !== undefined) after = String(data.changed);
				on(e.type || "message", data);
			}
		}
	}

	function seen() {
		clearTimeout(timer);
		if (document.visibilityState === "visible") {
			if (!ends) run();
		} else if (ends) ends.abort();
		else state("paused");
	}

	document.addEventListener("visibilitychange", seen);
	seen();
	return {
		from(changed) {
			after = String(changed);
		},
		stop() {
			stopped = true;
			clearTimeout(timer);
			document.removeEventListener("visibilitychange", seen);
			ends?.abort();
		},
	};
}
