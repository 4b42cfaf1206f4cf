// SPDX-License-Identifier: Apache-2.0
// Bodies of forms: application/x-www-form-urlencoded and multipart/form-data, read from bytes.

export const PARTS_MAX = 2000;

const latin1 = (bytes) => {
	let s = "";
	for (let i = 0; i < bytes.length; i += 8192) s += String.fromCharCode(...bytes.subarray(i, i + 8192));
	return s;
};

function unescape(text) {
	const plus = text.replace(/\+/g, " ");
	try {
		return { value: decodeURIComponent(plus), right: true };
	} catch {
		return { value: plus, right: false };
	}
}

// [{name, value, right}]; right is false where % is followed by no two digits, or the bytes are no UTF-8.
export function urlencoded(text) {
	if (text === "") return [];
	return text.split("&").slice(0, PARTS_MAX).map((pair) => {
		const eq = pair.indexOf("=");
		const name = unescape(eq < 0 ? pair : pair.slice(0, eq));
		const value = unescape(eq < 0 ? "" : pair.slice(eq + 1));
		return { name: name.value, value: value.value, right: name.right && value.right };
	});
}

export function parameter(header, name) {
	const m = new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]*))`, "i").exec(header ?? "");
	if (!m) return null;
	return m[1] !== undefined ? m[1].replace(/\\(.)/g, "$1") : m[2];
}

function find(bytes, what, from) {
	outer: for (let i = bytes.indexOf(what[0], from); i >= 0 && i + what.length <= bytes.length; i = bytes.indexOf(what[0], i + 1)) {
		for (let j = 1; j < what.length; j++) if (bytes[i + j] !== what[j]) continue outer;
		return i;
	}
	return -1;
}

const bytesOf = (s) => Uint8Array.from(s, (c) => c.charCodeAt(0) & 255);

// {parts: [{name, filename, type, headers: [[name, value]], bytes}], fault}
export function multipart(bytes, contentType) {
	const boundary = parameter(contentType, "boundary");
	if (!boundary) return { parts: [], fault: "the Content-Type names no boundary" };
	const mark = bytesOf(`--${boundary}`);
	const parts = [];
	let at = find(bytes, mark, 0);
	if (at < 0) return { parts, fault: "the boundary is not in the body" };
	while (parts.length < PARTS_MAX) {
		at += mark.length;
		if (bytes[at] === 45 && bytes[at + 1] === 45) return { parts, fault: null };
		const head = find(bytes, bytesOf("\r\n"), at);
		if (head < 0) return { parts, fault: "the body ends in a boundary" };
		const next = find(bytes, mark, head);
		const end = next < 0 ? bytes.length : Math.max(head, next - 2);
		parts.push(part(bytes.subarray(head + 2, Math.max(head + 2, end))));
		if (next < 0) return { parts, fault: "the last boundary is missing: the body is cut" };
		at = next;
	}
	return { parts, fault: `more than ${PARTS_MAX} parts` };
}

function part(bytes) {
	const blank = bytes[0] === 13 && bytes[1] === 10 ? -2 : find(bytes, bytesOf("\r\n\r\n"), 0);
	const head = blank >= 0 ? new TextDecoder().decode(bytes.subarray(0, blank)) : "";
	const headers = head.split("\r\n").filter((l) => l.includes(":")).map((l) => {
		const colon = l.indexOf(":");
		return [l.slice(0, colon).trim(), l.slice(colon + 1).trim()];
	});
	const one = (name) => headers.find(([n]) => n.toLowerCase() === name)?.[1];
	const disposition = one("content-disposition") ?? "";
	return { name: parameter(disposition, "name") ?? "", filename: parameter(disposition, "filename"), type: one("content-type") ?? "",
		headers, bytes: blank === -2 ? bytes.subarray(2) : blank >= 0 ? bytes.subarray(blank + 4) : bytes };
}

export { latin1 };
