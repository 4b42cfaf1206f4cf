// SPDX-License-Identifier: Apache-2.0
// What can be done with a request. Pages, keys and the palette all come here.

import { ask, get, post, send, download, bytes } from "../lib/api.js";
import { say, sayFault, copied } from "../lib/ui.js";
import { build } from "../lib/curl.js";
import { text as utf8 } from "../lib/proto.js";
import { app, go, rows } from "./model.js";
import { marks, markForDiff, choose, chooseNone } from "./marks.js";

const CURL_BODY_MAX = 256 * 1024;

async function tried(f) {
	try {
		return await f();
	} catch (e) {
		sayFault(e);
		return null;
	}
}

// Signatures with a time in them are stale when they are sent as they were.
const MODES = { exact: "as it was", signed: "signed anew" };

export function replay(id, { mode = "exact", times = 1, to, onward = false, gaps = false } = {}) {
	return tried(async () => {
		const { ids } = await post(`/v1/exchanges/${id}/replay`, { mode, times, to, onward, gaps });
		const what = ids.length === 1 ? `#${ids[0]}` : `${ids.length} requests`;
		say(`Sent ${what}${to ? ` to ${to}` : ""}, ${MODES[mode]}.`, ids.length === 1 ? { action: { name: "Show", run: () => go(`r/${ids[0]}`) } } : {});
		return ids;
	});
}

export function replayChoices(row, detail) {
	const agent = app.value.agent;
	const places = [...(agent?.tunnels ?? []).map((t) => [t.name, t.origin]), ...(agent?.targets ?? []).map((t) => [t.name, t.origin])]
		.filter(([name]) => name !== row.tunnel);
	return [
		...(detail?.exact === false ? [] : [{ name: "As it was", note: "the same bytes, to the same origin", run: () => replay(row.id) }]),
		{ name: "Signed anew", note: "for signatures that hold a time", run: () => replay(row.id, { mode: "signed" }) },
		...places.map(([name, origin]) => ({ name: `To ${name}`, note: origin, run: () => replay(row.id, { to: name }) })),
		{ name: "5 times", note: "one after the other", run: () => replay(row.id, { times: 5 }) },
		{ name: "25 times", note: "one after the other", run: () => replay(row.id, { times: 25 }) },
		{ name: "From here on", note: "this one and all newer ones, in order", run: () => replay(row.id, { onward: true }) },
		{ name: "From here on, with pauses", note: "as far apart as they came", run: () => replay(row.id, { onward: true, gaps: true }) },
	];
}

export function pin(row) {
	const on = !(row.flags ?? []).includes("pinned");
	return tried(async () => {
		await send(on ? "PUT" : "DELETE", `/v1/exchanges/${row.id}/pin`);
		rows.take([{ ...row, flags: on ? [...row.flags, "pinned"] : row.flags.filter((f) => f !== "pinned") }]);
		app.set((v) => ({ detailTurn: v.detailTurn + 1 }));
		say(on ? `Pinned #${row.id}: it stays when old requests go.` : `#${row.id} is pinned no more.`);
	});
}

// The first press marks, the second one compares; on the marked one itself: with the one before.
export function diff(row, previous) {
	const marked = marks.value.diff;
	if (!marked) {
		markForDiff(row.id);
		say(`Marked #${row.id} as A. Go to another one and press D again; press D here to compare with the one before.`);
		return undefined;
	}
	markForDiff(null);
	if (marked !== row.id) return go(`diff/${marked}/${row.id}`);
	return compareBefore(row.id, previous);
}

export function compareBefore(id, previous) {
	return tried(async () => {
		const other = previous === undefined ? (await get(`/v1/exchanges/${id}`)).previous : previous;
		if (other) go(`diff/${other}/${id}`);
		else say("No older request has the same event and repository.");
	});
}

export function curl(id) {
	return tried(async () => {
		const d = await get(`/v1/exchanges/${id}`);
		if (!d.request) throw new Error("Only the edge saw this request: nothing of it is here to copy.");
		const { text, notes } = await asCurl(d);
		await copied(text, `#${id} as curl${notes}`);
	});
}

async function asCurl(d) {
	const tunnel = app.value.agent?.tunnels.find((t) => t.name === d.tunnel);
	const target = d.request.line.split(" ")[1] ?? d.path;
	const base = tunnel?.url ?? `https://${d.host}`;
	const kept = d.request.body;
	let body = null;
	let file = null;
	if (kept.bytes > 0) {
		const got = kept.bytes <= CURL_BODY_MAX ? await bytes(`/v1/exchanges/${d.id}/request/body?raw`, CURL_BODY_MAX) : null;
		body = got && utf8(got.bytes);
		if (body === null || body.startsWith("@")) {
			file = `body-${d.id}`;
			body = null;
		}
	}
	const hidden = d.request.received.some((h) => h[2]) || target.includes("(hidden)");
	return { text: build({ method: d.method, url: base + target, headers: d.request.received, body, file }),
		notes: `${hidden ? "; hidden values are not in it" : ""}${file ? `; save its body as ${file} first` : ""}` };
}

const NAMES = { curl: "requests.sh", har: "requests.har", pytest: "test_requests.py", http: "requests.tar" };

export function exportAs(kind, ids, raw = false) {
	return tried(() => download("/v1/export", { method: "POST", headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ ids, as: kind, raw }) }, ids.length === 1 ? NAMES[kind].replace("requests", `request-${ids[0]}`) : NAMES[kind]));
}

export function exportChoices(ids) {
	const note = ids.length > 1 ? `${ids.length} requests` : `#${ids[0]}`;
	return [
		{ name: "curl script", note, run: () => exportAs("curl", ids) },
		{ name: "HAR 1.2", note: "browsers and other tools read it", run: () => exportAs("har", ids) },
		{ name: "pytest", note: "a test with these requests as fixtures", run: () => exportAs("pytest", ids) },
		{ name: "Folder of .http files", note: "adit replay DIR sends them", run: () => exportAs("http", ids) },
		{ name: "HAR 1.2 with hidden values", note: "secrets are in the file", run: () => exportAs("har", ids, true) },
	];
}

export function importFile() {
	const pick = document.createElement("input");
	pick.type = "file";
	pick.accept = ".har,.http,.tar,application/json";
	pick.addEventListener("change", () => tried(async () => {
		const file = pick.files[0];
		if (!file) return;
		const answer = await fetchImport(file);
		say(`Imported ${answer.ids.length} from ${file.name}.${answer.notes?.length ? ` ${answer.notes.join("; ")}.` : ""}`,
			{ action: answer.ids.length ? { name: "Show", run: () => go(`r/${answer.ids[0]}`) } : null });
	}));
	pick.click();
}

const fetchImport = async (file) => (await ask("/v1/import", { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file })).json();

export function clear() {
	return tried(async () => {
		await send("DELETE", "/v1/exchanges");
		chooseNone();
		go("");
		await rows.ask(rows.q ?? "");
		say("The list is empty but for what is pinned.");
	});
}

export const permalink = (id) => copied(`${location.origin}${location.pathname}#/r/${id}`, `the link to #${id}`);
export { choose };
