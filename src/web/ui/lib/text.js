// SPDX-License-Identifier: Apache-2.0
// Text from outside, before it is shown: what would move the cursor, turn the direction of writing or hide itself is
// shown as what it is. Copying gives the true text; only what is drawn is changed.

const HARMLESS = /^[\x20-\x7e\n\t]*$/;
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function name(c) {
	const code = c.charCodeAt(0);
	if (code < 0xa0) return `<${code.toString(16).toUpperCase().padStart(2, "0")}>`;
	return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

export function visible(text) {
	const s = String(text ?? "");
	return HARMLESS.test(s) ? s : s.replace(/\r\n/g, "\n").replace(UNSEEN, name);
}

// For one line: no line breaks either.
export const oneLine = (text) => visible(text).replace(/\n/g, "<0A>").replace(/\t/g, " ");

export async function copy(text) {
	await navigator.clipboard.writeText(text);
}
