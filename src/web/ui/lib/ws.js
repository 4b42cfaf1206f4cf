// SPDX-License-Identifier: Apache-2.0
// Frames of WebSocket (RFC 6455) out of a captured stream, with permessage-deflate (RFC 7692).

import { text } from "./proto.js";

export const FRAMES_MAX = 50000;
export const INFLATED_MAX = 10 * 1024 * 1024;

const KINDS = { 0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };

// [{at, end, fin, compressed, opcode, kind, masked, length, payload, cut}]; fault where the bytes are no frames.
export function frames(bytes) {
	const out = [];
	const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	let at = 0;
	while (at < bytes.length) {
		if (out.length === FRAMES_MAX) return { frames: out, fault: `more than ${FRAMES_MAX} frames` };
		if (at + 2 > bytes.length) return { frames: out, fault: "the last head is cut" };
		const b0 = bytes[at];
		const b1 = bytes[at + 1];
		const opcode = b0 & 15;
		if (b0 & 0x30) return { frames: out, fault: `reserved bits at byte ${at}` };
		if (!(opcode in KINDS)) return { frames: out, fault: `no such opcode as ${opcode} (byte ${at})` };
		let head = at + 2;
		let length = b1 & 0x7f;
		const more = length === 126 ? 2 : length === 127 ? 8 : 0;
		const masked = b1 >= 0x80;
		if (head + more + (masked ? 4 : 0) > bytes.length) return { frames: out, fault: "the last head is cut" };
		if (more === 2) length = v.getUint16(head);
		if (more === 8) length = Number(v.getBigUint64(head));
		head += more;
		const key = masked ? bytes.subarray(head, head + 4) : null;
		if (masked) head += 4;
		const end = Math.min(bytes.length, head + length);
		let payload = bytes.subarray(head, end);
		if (key) payload = payload.map((b, i) => b ^ key[i & 3]);
		out.push({ at, end, fin: b0 >= 0x80, compressed: Boolean(b0 & 0x40), opcode, kind: KINDS[opcode], masked, length,
			payload, cut: head + length > bytes.length });
		at = head + length;
	}
	return { frames: out, fault: null };
}

// What Sec-WebSocket-Extensions of the answer agreed on.
export function extensions(header) {
	const one = String(header ?? "").split(",").map((s) => s.trim()).find((s) => /^permessage-deflate\b/i.test(s));
	if (!one) return null;
	return { clientFresh: /client_no_context_takeover/i.test(one), serverFresh: /server_no_context_takeover/i.test(one) };
}

async function inflateRaw(chunks, limit) {
	const stream = new DecompressionStream("deflate-raw");
	const writer = stream.writable.getWriter();
	const fed = (async () => {
		for (const c of chunks) await writer.write(c);
		await writer.close();
	})();
	fed.catch(() => {});
	const reader = stream.readable.getReader();
	const parts = [];
	let size = 0;
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) break;
			parts.push(value);
			size += value.length;
			if (size > limit) break;
		}
	} catch {
		// An end without a last block is what permessage-deflate has: what came out by then is the message.
	}
	reader.cancel().catch(() => {});
	writer.abort().catch(() => {});
	return join(parts);
}

export function join(parts) {
	const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
	let at = 0;
	for (const p of parts) {
		out.set(p, at);
		at += p.length;
	}
	return out;
}

const TAIL = new Uint8Array([0, 0, 255, 255]);
const LAST = new Uint8Array([1, 0, 0, 255, 255]);

// Inflates messages that share a window, each limited. A message is given to the inflater behind the 32 KiB that came
// before it, as stored blocks: so the window carries over, and no message costs more than itself.
export class Inflater {
	constructor(fresh) {
		this.fresh = fresh;
		this.window = new Uint8Array(0);
	}

	async inflate(payload) {
		const before = this.window;
		const chunks = [];
		if (before.length) {
			const n = before.length;
			chunks.push(new Uint8Array([0, n & 255, n >> 8, ~n & 255, (~n >> 8) & 255]), before);
		}
		chunks.push(payload, TAIL, LAST);
		const out = (await inflateRaw(chunks, before.length + INFLATED_MAX)).subarray(before.length);
		if (!this.fresh) {
			const both = join([before, out]);
			this.window = both.slice(Math.max(0, both.length - 32767));
		}
		return out;
	}
}

// Frames joined to messages, inflated where they are compressed: [{at, kind, bytes, text, frames, cut, code}]
export async function messages(list, deflate, fresh) {
	const out = [];
	const inflater = deflate ? new Inflater(fresh) : null;
	let open = null;
	for (const f of list) {
		if (f.opcode >= 8) {
			out.push(control(f));
			continue;
		}
		if (f.opcode !== 0 || !open) open = { at: f.at, end: f.end, kind: f.kind, compressed: f.compressed, parts: [], frames: 0, cut: false };
		open.parts.push(f.payload);
		open.frames++;
		open.end = f.end;
		open.cut ||= f.cut;
		if (!f.fin && !f.cut) continue;
		let bytes = join(open.parts);
		const wire = bytes.length;
		if (open.compressed && inflater) bytes = await inflater.inflate(bytes);
		out.push({ at: open.at, end: open.end, kind: open.kind, bytes, wire, frames: open.frames, cut: open.cut,
			compressed: open.compressed, text: open.kind === "text" || open.kind === "continuation" ? text(bytes) : null });
		open = null;
	}
	return out;
}

function control(f) {
	const m = { at: f.at, end: f.end, kind: f.kind, bytes: f.payload, wire: f.payload.length, frames: 1, cut: f.cut, text: text(f.payload) };
	if (f.kind === "close" && f.payload.length >= 2) {
		m.code = (f.payload[0] << 8) | f.payload[1];
		m.text = text(f.payload.subarray(2));
	}
	return m;
}
