// SPDX-License-Identifier: Apache-2.0
// Server-sent events and lines of JSON, split as they came.

// A reader that is fed text in pieces and gives whole events: {type, data, id, retry, comment, at, end}.
export class EventReader {
	constructor() {
		this.rest = "";
		this.at = 0;
		this.event = this.empty();
	}

	empty() {
		return { type: "", data: null, id: null, retry: null, comment: null, at: this.at, end: 0 };
	}

	// bytes of the text before: counted by the caller where offsets matter
	feed(text) {
		const out = [];
		this.rest += text;
		let from = 0;
		for (;;) {
			const m = /\r\n|\n|\r(?!$)/.exec(this.rest.slice(from));
			if (!m) break;
			this.line(this.rest.slice(from, from + m.index), out, from + m.index + m[0].length);
			from += m.index + m[0].length;
		}
		this.rest = this.rest.slice(from);
		this.at += from;
		return out;
	}

	line(line, out, consumed) {
		const e = this.event;
		if (line === "") {
			if (e.data !== null || e.comment !== null || e.type) {
				e.end = this.at + consumed;
				out.push(e);
			}
			this.event = this.empty();
			this.event.at = this.at + consumed;
			return;
		}
		if (line[0] === ":") {
			e.comment = line.slice(1).trim();
			return;
		}
		const colon = line.indexOf(":");
		const name = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
		if (name === "data") e.data = e.data === null ? value : `${e.data}\n${value}`;
		else if (name === "event") e.type = value;
		else if (name === "id") e.id = value;
		else if (name === "retry" && /^\d+$/.test(value)) e.retry = Number(value);
	}
}

export function events(text) {
	const reader = new EventReader();
	const out = reader.feed(text.replace(/^\ufeff/, ""));
	return { events: out, rest: reader.rest.length > 0 || reader.event.data !== null };
}

// Lines of JSON: [{text, at}] without the empty ones.
export function lines(text) {
	const out = [];
	let at = 0;
	for (const line of text.split("\n")) {
		if (line.trim() !== "") out.push({ text: line.replace(/\r$/, ""), at });
		at += line.length + 1;
	}
	return out;
}

// Whether a body is lines of JSON: two lines at least, each a value of its own.
export function isLines(text) {
	const first = lines(text.slice(0, 65536)).slice(0, 3);
	return first.length > 1 && first.slice(0, 2).every((l) => {
		try {
			JSON.parse(l.text);
			return /^\s*[[{]/.test(l.text);
		} catch {
			return false;
		}
	});
}

// When the byte at an offset arrived: pieces are [[at_us, offset, n, dir], ...] in order.
export function arrival(pieces, offset) {
	let low = 0;
	let high = pieces.length - 1;
	let found = null;
	while (low <= high) {
		const mid = (low + high) >> 1;
		if (pieces[mid][1] <= offset) {
			found = pieces[mid][0];
			low = mid + 1;
		} else high = mid - 1;
	}
	return found;
}
