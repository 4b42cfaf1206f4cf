// SPDX-License-Identifier: Apache-2.0
// The search box: words with a field (status:404), words of a body, and the same question asked of one row.

export const FIELDS = ["status", "state", "method", "path", "repo", "branch", "event", "from", "tunnel", "is", "code",
	"since", "kind", "verdict", "host", "delivery"];

export const STATES = ["open", "answered", "failed", "refused", "queued", "sending", "retrying", "delivered", "parked",
	"dropped", "dead"];

// Views are filters with a name. `needs` and `waiting` say several states at once.
export const VIEWS = [
	{ name: "All", q: "", count: "all" },
	{ name: "Needs you", q: "is:needs-you", count: "needs_you" },
	{ name: "Waiting", q: "is:waiting", count: "waiting" },
	{ name: "Delivered", q: "state:delivered", count: "delivered" },
	{ name: "Refused", q: "state:refused", count: "refused" },
	{ name: "Replays", q: "is:replay", count: "replays" },
];

const NEEDS_YOU = ["parked", "dead", "failed"];
const WAITING = ["queued", "sending", "retrying"];

// Splits at spaces; "double quotes" keep a word of several words together.
export function split(text) {
	const words = [];
	const re = /(-?)((?:[a-z]+:)?)"([^"]*)"?|(\S+)/g;
	let m;
	while ((m = re.exec(text)) !== null) words.push(m[4] !== undefined ? m[4] : `${m[1]}${m[2]}${m[3]}`);
	return words;
}

// {fields: [{field, value, not}], words: [{text, not}], faults: [text]}
export function parse(text) {
	const out = { fields: [], words: [], faults: [] };
	for (const raw of split(text)) {
		const not = raw.length > 1 && raw[0] === "-";
		const word = not ? raw.slice(1) : raw;
		const m = /^([a-z]+):(.*)$/s.exec(word);
		if (m && FIELDS.includes(m[1])) {
			if (m[2] === "") out.faults.push(`${m[1]}: has no value yet`);
			else out.fields.push({ field: m[1], value: m[2], not });
		} else if (word !== "") out.words.push({ text: word, not });
	}
	return out;
}

const quoted = (v) => (/\s/.test(v) ? `"${v.replace(/"/g, "")}"` : v);

export function format(query) {
	const parts = query.fields.map((f) => `${f.not ? "-" : ""}${f.field}:${quoted(f.value)}`);
	return parts.concat(query.words.map((w) => `${w.not ? "-" : ""}${quoted(w.text)}`)).join(" ");
}

export function without(text, field, value) {
	const q = parse(text);
	q.fields = q.fields.filter((f) => f.field !== field || (value !== undefined && f.value !== value));
	return format(q);
}

export function withField(text, field, value) {
	const q = parse(text);
	q.fields = q.fields.filter((f) => f.field !== field);
	q.fields.push({ field, value, not: false });
	return format(q);
}

export function sinceMs(value) {
	const m = /^(\d+)(s|m|h|d)$/.exec(value);
	return m ? Number(m[1]) * { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[m[2]] : null;
}

const same = (a, b) => String(a ?? "").toLowerCase() === b.toLowerCase();
const within = (a, b) => String(a ?? "").toLowerCase().includes(b.toLowerCase());

function is(row, value) {
	switch (value) {
	case "replay": return Boolean(row.parent);
	case "pinned": case "imported": case "sampled": return (row.flags ?? []).includes(value);
	case "cut": return (row.flags ?? []).some((f) => f.startsWith("cut"));
	case "needs-you": return NEEDS_YOU.includes(row.state);
	case "waiting": return WAITING.includes(row.state);
	case "open": return row.took_us < 0;
	default: return false;
	}
}

function field(row, name, value, now) {
	switch (name) {
	case "status": return /^[1-5]xx$/i.test(value) ? Math.floor(row.status / 100) === Number(value[0]) : String(row.status) === value;
	case "path": return String(row.path).startsWith(value) || within(row.path, value);
	case "repo": return same(row.repository, value) || (!value.includes("/") && within(row.repository, value));
	case "branch": return same(row.branch, value);
	case "event": return same(row.event, value);
	case "is": return is(row, value);
	case "since": {
		const ms = sinceMs(value);
		return ms === null || row.at_ms >= now - ms;
	}
	case "delivery": return String(row.delivery) === value;
	case "host": return within(row.host, value);
	default: return same(row[name], value);
	}
}

// Words are the agent's matter (it has the bodies); here they are true.
export function matches(query, row, now = Date.now()) {
	return query.fields.every((f) => field(row, f.field, f.value, now) !== f.not);
}

// What the box may be completed with at its caret: [{text, hint}]
export function complete(word, seen) {
	const m = /^-?([a-z]*)(:?)(.*)$/s.exec(word);
	if (!m) return [];
	if (!m[2])
		return FIELDS.filter((f) => m[1] && f.startsWith(m[1])).map((f) => ({ text: `${f}:` }));
	const values = { state: STATES, is: ["needs-you", "waiting", "replay", "pinned", "cut", "imported"],
		since: ["5m", "1h", "24h"], status: ["2xx", "4xx", "5xx"], method: ["GET", "POST", "PUT", "DELETE"],
		verdict: ["ok", "wrong", "missing", "altered", "clock"], kind: ["http", "websocket", "grpc", "sse"], ...seen };
	const list = values[m[1]] ?? [];
	return list.filter((v) => v.toLowerCase().includes(m[3].toLowerCase()) && v !== m[3])
		.map((v) => ({ text: `${m[1]}:${quoted(v)}` }));
}
