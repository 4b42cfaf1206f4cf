// SPDX-License-Identifier: Apache-2.0
// Questions to the program that serves this page. The token comes in the fragment of the first link, is kept for this
// tab alone, and leaves the address at once; it is never in a URL that goes over the network.

const KEPT = "adit-token";

let token = "";

export function takeToken() {
	const m = /^#t=([A-Za-z0-9_.~-]+)(?:&(.*))?$/.exec(location.hash);
	if (m) {
		token = m[1];
		sessionStorage.setItem(KEPT, token);
		history.replaceState(null, "", `${location.pathname}${location.search}${m[2] ? `#${m[2]}` : ""}`);
	} else token = sessionStorage.getItem(KEPT) ?? "";
}

export function setToken(text) {
	token = text.trim().replace(/^.*#t=/, "");
	sessionStorage.setItem(KEPT, token);
}

export const headers = (more) => (token ? { Authorization: `Bearer ${token}`, ...more } : { ...more });

export class ApiError extends Error {
	constructor(status, code, text, todo) {
		super(text);
		this.status = status;
		this.code = code;
		this.todo = todo ?? "";
	}
}

const AWAY = new Set();
// Told "401" when a token is wanted, "away" when the program does not answer, "back" when it does.
export const onTrouble = (f) => {
	AWAY.add(f);
	return () => AWAY.delete(f);
};
const tell = (what, error) => AWAY.forEach((f) => f(what, error));

export async function ask(path, options = {}) {
	let answer;
	try {
		answer = await fetch(path, { ...options, headers: headers(options.headers), cache: "no-store", redirect: "error" });
	} catch (e) {
		if (e.name === "AbortError") throw e;
		const gone = new ApiError(0, "away", "adit does not answer.", "Is it still running? Start it again; this page goes on by itself.");
		tell("away", gone);
		throw gone;
	}
	if (answer.ok) {
		tell("back");
		return answer;
	}
	let fault = {};
	try {
		fault = await answer.json();
	} catch {
		// Not the program's own words: the status alone is what there is.
	}
	const error = new ApiError(answer.status, fault.code ?? `http-${answer.status}`, fault.text ?? `The answer was ${answer.status}.`, fault.todo);
	if (answer.status === 401) tell("401", error);
	throw error;
}

export const get = async (path, signal) => (await ask(path, { signal })).json();

export async function send(method, path, body, signal) {
	const answer = await ask(path, { method, signal,
		...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }) });
	return answer.status === 204 ? null : answer.json();
}

export const post = (path, body, signal) => send("POST", path, body, signal);

// Lines of JSON as they arrive.
export async function lines(path, each, signal) {
	const answer = await ask(path, { signal });
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	for (;;) {
		const { done, value } = await reader.read();
		if (done) break;
		const parts = (rest + value).split("\n");
		rest = parts.pop();
		for (const line of parts) if (line) each(JSON.parse(line));
	}
	if (rest.trim()) each(JSON.parse(rest));
}

// Bytes by chunks, stopped at a ceiling: {bytes, stopped}. What a compressed body grows to is the browser's matter, but
// no more than the ceiling is ever taken from it.
export async function bytes(path, ceiling, signal) {
	const answer = await ask(path, { signal });
	const reader = answer.body.getReader();
	const parts = [];
	let size = 0;
	let stopped = false;
	let fault = null;
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) break;
			const room = ceiling - size;
			parts.push(value.length > room ? value.subarray(0, room) : value);
			size += Math.min(room, value.length);
			if (value.length > room || size === ceiling) {
				stopped = true;
				break;
			}
		}
	} catch (e) {
		if (e.name === "AbortError") throw e;
		fault = "The body is not what its Content-Encoding says, or the connection broke; this is what came before.";
	}
	reader.cancel().catch(() => {});
	const out = new Uint8Array(size);
	let at = 0;
	for (const p of parts) {
		out.set(p, at);
		at += p.length;
	}
	return { bytes: out, stopped, fault };
}

// Saves an answer as a file, by a link that exists for one click.
export async function download(path, options, name) {
	const answer = await ask(path, options);
	save(await answer.blob(), name);
}

export function save(blob, name) {
	const a = document.createElement("a");
	a.href = URL.createObjectURL(blob);
	a.download = name;
	document.body.append(a);
	a.click();
	a.remove();
	setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}
