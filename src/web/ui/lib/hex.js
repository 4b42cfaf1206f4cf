// SPDX-License-Identifier: Apache-2.0
// Bytes as rows of sixteen: offset, hexadecimal digits, and the letters among them.

export const WIDTH = 16;

export const rows = (bytes) => Math.ceil(bytes.length / WIDTH);

export function row(bytes, index) {
	const from = index * WIDTH;
	const part = bytes.subarray(from, from + WIDTH);
	const pairs = Array.from(part, (b) => b.toString(16).padStart(2, "0"));
	while (pairs.length < WIDTH) pairs.push("  ");
	return {
		offset: from.toString(16).padStart(8, "0"),
		hex: `${pairs.slice(0, 8).join(" ")}  ${pairs.slice(8).join(" ")}`,
		text: Array.from(part, (b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : ".")).join(""),
	};
}
