// SPDX-License-Identifier: Apache-2.0
// Protocol Buffers without their schema, and the 5-byte frames of gRPC around them: field numbers and wire types are
// told by the bytes, what a value means is guessed, and both are shown.

export const DEPTH_MAX = 24;
export const FIELDS_MAX = 20000;

const WIRE = ["varint", "64 bits", "bytes", "group", "end of group", "32 bits"];

class Cursor {
	constructor(bytes, at = 0, end = bytes.length) {
		this.bytes = bytes;
		this.at = at;
		this.end = end;
	}

	// Up to 64 bits as BigInt; null where the bytes end or the number does not.
	varint() {
		let value = 0n;
		for (let i = 0; i < 10; i++) {
			if (this.at >= this.end) return null;
			const b = this.bytes[this.at++];
			value |= BigInt(b & 0x7f) << BigInt(7 * i);
			if (b < 0x80) return value <= 0xffffffffffffffffn ? value : null;
		}
		return null;
	}
}

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function text(bytes) {
	try {
		const s = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
		return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(s) ? null : s;
	} catch {
		return null;
	}
}

const zigzag = (v) => (v & 1n ? -(v >> 1n) - 1n : v >> 1n);

function guesses(wire, value, bytes) {
	if (wire === 0) {
		const out = [{ as: "uint", text: String(value) }];
		if (value > 0x7fffffffffffffffn) out.push({ as: "int", text: String(BigInt.asIntN(64, value)) });
		if (value > 1n) out.push({ as: "sint", text: String(zigzag(value)) });
		if (value <= 1n) out.push({ as: "bool", text: value ? "true" : "false" });
		return out;
	}
	const v = view(bytes);
	if (wire === 1)
		return [{ as: "double", text: String(v.getFloat64(0, true)) }, { as: "fixed64", text: String(v.getBigUint64(0, true)) }];
	return [{ as: "float", text: String(v.getFloat32(0, true)) }, { as: "fixed32", text: String(v.getUint32(0, true)) }];
}

// One message: {fields: [{number, wire, at, end, guesses|string|message|bytes}], whole}; whole is false where the bytes
// are no message up to `fault`.
export function message(bytes, at = 0, end = bytes.length, depth = 0, budget = { left: FIELDS_MAX }) {
	const c = new Cursor(bytes, at, end);
	const out = { fields: [], whole: true, fault: null };
	const fault = (what) => {
		out.whole = false;
		out.fault = what;
		return out;
	};
	while (c.at < end) {
		if (budget.left-- <= 0) return fault(`more than ${FIELDS_MAX} fields`);
		const begin = c.at;
		const key = c.varint();
		if (key === null) return fault("a key is cut");
		const number = Number(key >> 3n);
		const wire = Number(key & 7n);
		if (number < 1 || number > 536870911) return fault(`${number} is no field number`);
		const field = { number, wire: WIRE[wire] ?? `wire type ${wire}`, at: begin, end: begin };
		if (wire === 0) {
			const value = c.varint();
			if (value === null) return fault("a varint is cut");
			field.guesses = guesses(0, value);
		} else if (wire === 1 || wire === 5) {
			const size = wire === 1 ? 8 : 4;
			if (c.at + size > end) return fault("a number is cut");
			field.guesses = guesses(wire, 0n, bytes.subarray(c.at, c.at + size));
			c.at += size;
		} else if (wire === 2) {
			const size = c.varint();
			if (size === null || size > BigInt(end - c.at)) return fault("a length is more than there is");
			const from = c.at;
			c.at += Number(size);
			Object.assign(field, inside(bytes, from, c.at, depth, budget));
		} else return fault(`wire type ${wire} is not in use`);
		field.end = c.at;
		out.fields.push(field);
	}
	return out;
}

// Bytes with a length: text, a message inside, packed numbers or plain bytes; text wins over a message that is text.
function inside(bytes, from, to, depth, budget) {
	const part = bytes.subarray(from, to);
	if (part.length === 0) return { string: "" };
	const string = text(part);
	const readable = string !== null && !/[\u0000-\u0008\u000e-\u001f]/.test(string);
	if (readable && /^[\x09\x0a\x0d\x20-\x7e]{4,}$/.test(string)) return { string };
	if (depth < DEPTH_MAX) {
		const m = message(bytes, from, to, depth + 1, budget);
		if (m.whole && m.fields.length) return readable ? { message: m, string } : { message: m };
	}
	return readable ? { string } : { bytes: part };
}

// Frames of gRPC: [{at, compressed, length, bytes, trailers}], and what is left over.
export function grpcFrames(bytes) {
	const frames = [];
	let at = 0;
	while (at + 5 <= bytes.length) {
		const flags = bytes[at];
		const length = view(bytes).getUint32(at + 1);
		if (flags & 0x7e) return { frames, rest: bytes.length - at, fault: `flags ${flags} at byte ${at} are none of gRPC` };
		const end = Math.min(bytes.length, at + 5 + length);
		frames.push({ at, compressed: Boolean(flags & 1), trailers: Boolean(flags & 0x80), length,
			bytes: bytes.subarray(at + 5, end), cut: at + 5 + length > bytes.length });
		at += 5 + length;
	}
	return { frames, rest: Math.max(0, bytes.length - at), fault: null };
}
