// SPDX-License-Identifier: Apache-2.0
// Commands of curl: written so that no byte of a request can command the shell, and read from what somebody pastes.

// A word for a POSIX shell; $'...' where control bytes are in it, so that a terminal that pastes them sees letters only.
export function quote(text) {
	if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
	if (!/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/.test(text)) return `'${text.replace(/'/g, "'\\''")}'`;
	const out = Array.from(text, (c) => {
		if (c === "\\" || c === "'") return `\\${c}`;
		if (c === "\n") return "\\n";
		if (c === "\r") return "\\r";
		if (c === "\t") return "\\t";
		const code = c.codePointAt(0);
		if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
		if ((code >= 0x80 && code < 0xa0) || /[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/.test(c)) return `\\u${code.toString(16).padStart(4, "0")}`;
		return c;
	});
	return `$'${out.join("")}'`;
}

const NOT_SENT = /^(host|content-length|connection|transfer-encoding|adit-.*)$/i;

// request: {method, url, headers: [[name, value, hidden]], body: text or null, file: name of a file with the body}
export function build(request) {
	const lines = [`curl -sS -X ${quote(request.method)} ${quote(request.url)}`];
	for (const [name, value, hidden] of request.headers) {
		if (NOT_SENT.test(name)) continue;
		lines.push(`-H ${quote(hidden ? `${name}: HIDDEN` : value === "" ? `${name};` : `${name}: ${value}`)}`);
	}
	if (request.file) lines.push(`--data-binary ${quote(`@${request.file}`)}`);
	else if (request.body) lines.push(`--data-binary ${quote(request.body.startsWith("@") ? `\\${request.body}`.slice(1) : request.body)}`);
	return lines.join(" \\\n  ");
}

// Words of a shell command; nothing is expanded. Throws with a sentence where a quote has no end.
export function words(text) {
	const out = [];
	let word = null;
	let i = 0;
	const add = (s) => {
		word = (word ?? "") + s;
	};
	while (i < text.length) {
		const c = text[i];
		if (c === "\\" && (text[i + 1] === "\n" || text.startsWith("\r\n", i + 1))) i += text[i + 1] === "\n" ? 2 : 3;
		else if (/\s/.test(c)) {
			if (word !== null) out.push(word);
			word = null;
			i++;
		} else if (c === "'") {
			const end = text.indexOf("'", i + 1);
			if (end < 0) throw new Error("a ' has no end");
			add(text.slice(i + 1, end));
			i = end + 1;
		} else if (c === "$" && text[i + 1] === "'") {
			const [s, end] = ansi(text, i + 2);
			add(s);
			i = end;
		} else if (c === '"') {
			const [s, end] = double(text, i + 1);
			add(s);
			i = end;
		} else if (c === "\\") {
			add(text[i + 1] ?? "");
			i += 2;
		} else {
			add(c);
			i++;
		}
	}
	if (word !== null) out.push(word);
	return out;
}

function double(text, from) {
	let s = "";
	for (let i = from; i < text.length; i++) {
		if (text[i] === '"') return [s, i + 1];
		if (text[i] === "\\" && '"\\$`\n'.includes(text[i + 1])) {
			if (text[i + 1] !== "\n") s += text[i + 1];
			i++;
		} else s += text[i];
	}
	throw new Error('a " has no end');
}

const ANSI = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b", f: "\f", v: "\v", e: "\x1b", 0: "\0" };

function ansi(text, from) {
	let s = "";
	for (let i = from; i < text.length; i++) {
		if (text[i] === "'") return [s, i + 1];
		if (text[i] !== "\\") {
			s += text[i];
			continue;
		}
		const m = /^(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4}))/.exec(text.slice(i + 1));
		if (m) {
			s += String.fromCharCode(parseInt(m[1] ?? m[2], 16));
			i += m[0].length;
		} else {
			s += ANSI[text[i + 1]] ?? text[i + 1] ?? "";
			i++;
		}
	}
	throw new Error("a $' has no end");
}

// Options of curl that take a word and mean nothing here.
const TAKES = /^(-[AobcemUuwxETKCDFPQYyzrt]|--(output|user-agent|cookie|cookie-jar|referer|max-time|connect-timeout|write-out|proxy|cert|key|cacert|resolve|retry|form|range|interface|limit-rate))$/;

// {method, url, headers, body, notes}; throws with a sentence where it is no curl command.
export function parse(text) {
	const list = words(text.trim().replace(/^\$\s+/, ""));
	if (!/(^|\/)curl(\.exe)?$/.test(list[0] ?? "")) throw new Error("a command of curl begins with the word curl");
	const out = { method: "", url: "", headers: [], body: null, notes: [] };
	const data = [];
	let get = false;
	for (let i = 1; i < list.length; i++) {
		let w = list[i];
		let value = null;
		const long = /^(--[a-z0-9-]+)=(.*)$/s.exec(w);
		if (long) [, w, value] = long;
		else if (/^-[XHdbAu]./.test(w)) [w, value] = [w.slice(0, 2), w.slice(2)];
		const next = () => value ?? list[++i] ?? "";
		if (w === "-X" || w === "--request") out.method = next();
		else if (w === "--url") out.url = next();
		else if (w === "-H" || w === "--header") header(out, next());
		else if (/^(-d|--data|--data-ascii|--data-raw|--data-binary|--data-urlencode|--json)$/.test(w)) body(out, data, w, next());
		else if (w === "-A" || w === "--user-agent") out.headers.push(["User-Agent", next()]);
		else if (w === "-b" || w === "--cookie") out.headers.push(["Cookie", next()]);
		else if (w === "-u" || w === "--user") out.headers.push(["Authorization", `Basic ${base64(next())}`]);
		else if (w === "-I" || w === "--head") out.method ||= "HEAD";
		else if (w === "-G" || w === "--get") get = true;
		else if (TAKES.test(w)) out.notes.push(`${w} ${next()} is left out`);
		else if (w.startsWith("-")) {
			if (!/^(-[sSkLvifN#gq]+|--(silent|show-error|insecure|location|verbose|include|fail|compressed|no-buffer|globoff|http1\.1|http2))$/.test(w)) out.notes.push(`${w} is left out`);
		} else if (!out.url) out.url = w;
		else out.notes.push(`${w} is left out: a second URL`);
	}
	if (!out.url) throw new Error("the command names no URL");
	if (data.length && get) out.url += (out.url.includes("?") ? "&" : "?") + data.join("&");
	else if (data.length) {
		out.body = data.join("&");
		if (!out.headers.some(([n]) => n.toLowerCase() === "content-type")) out.headers.push(["Content-Type", "application/x-www-form-urlencoded"]);
	}
	out.method ||= out.body === null ? "GET" : "POST";
	return out;
}

function header(out, text) {
	const m = /^([^:;]+)[:;]\s*(.*)$/s.exec(text);
	if (m) out.headers.push([m[1].trim(), m[2]]);
	else out.notes.push(`-H ${text} is no header`);
}

function body(out, data, option, value) {
	if (option === "--json") {
		for (const [n, v] of [["Content-Type", "application/json"], ["Accept", "application/json"]])
			if (!out.headers.some(([name]) => name.toLowerCase() === n.toLowerCase())) out.headers.push([n, v]);
	}
	if (value.startsWith("@") && option !== "--data-raw") {
		out.notes.push(`the file ${value.slice(1)} cannot be read from here: paste its text as the body`);
		return;
	}
	data.push(option === "-d" || option === "--data" || option === "--data-ascii" ? value.replace(/[\r\n]/g, "") : value);
}

export function base64(text) {
	let s = "";
	for (const b of new TextEncoder().encode(text)) s += String.fromCharCode(b);
	return btoa(s);
}
