// SPDX-License-Identifier: Apache-2.0
// XML as indented text. Nothing is resolved: an entity stays the letters that it is, so no document can grow here.

export const TOKENS_MAX = 200000;

// [{kind: "tag"|"end"|"empty"|"text"|"note", text}]: markup is cut at its angle brackets and at nothing else.
export function tokens(xml) {
	const out = [];
	let at = 0;
	const until = (mark, from) => {
		const end = xml.indexOf(mark, from);
		return end < 0 ? xml.length : end + mark.length;
	};
	while (at < xml.length && out.length < TOKENS_MAX) {
		if (xml[at] !== "<") {
			const end = xml.indexOf("<", at);
			const text = xml.slice(at, end < 0 ? xml.length : end);
			if (text.trim() !== "") out.push({ kind: "text", text: text.trim() });
			at += text.length;
			continue;
		}
		let end;
		let kind = "note";
		if (xml.startsWith("<!--", at)) end = until("-->", at + 4);
		else if (xml.startsWith("<![CDATA[", at)) end = until("]]>", at);
		else if (xml.startsWith("<?", at)) end = until("?>", at);
		else if (xml.startsWith("<!", at)) end = until(xml.slice(at, until(">", at)).includes("[") ? "]>" : ">", at);
		else {
			end = tagEnd(xml, at);
			kind = xml[at + 1] === "/" ? "end" : xml[end - 2] === "/" ? "empty" : "tag";
		}
		out.push({ kind, text: xml.slice(at, end) });
		at = end;
	}
	return { tokens: out, whole: at >= xml.length };
}

// A > inside quotes ends no tag.
function tagEnd(xml, at) {
	let quote = "";
	for (let i = at; i < xml.length; i++) {
		const c = xml[i];
		if (quote) {
			if (c === quote) quote = "";
		} else if (c === '"' || c === "'") quote = c;
		else if (c === ">") return i + 1;
	}
	return xml.length;
}

// [{depth, kind, text}]; an element that holds text alone stands on one line.
export function indent(xml) {
	const { tokens: list, whole } = tokens(xml);
	const out = [];
	let depth = 0;
	for (let i = 0; i < list.length; i++) {
		const t = list[i];
		if (t.kind === "end") depth = Math.max(0, depth - 1);
		if (t.kind === "tag" && list[i + 1]?.kind === "text" && list[i + 2]?.kind === "end") {
			out.push({ depth, kind: "tag", text: t.text + list[i + 1].text + list[i + 2].text });
			i += 2;
		} else if (t.kind === "tag" && list[i + 1]?.kind === "end") {
			out.push({ depth, kind: "tag", text: t.text + list[i + 1].text });
			i++;
		} else {
			out.push({ depth, kind: t.kind, text: t.text });
			if (t.kind === "tag") depth++;
		}
	}
	return { lines: out, whole };
}
