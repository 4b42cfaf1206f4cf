// SPDX-License-Identifier: Apache-2.0
// The bytes of a body, fetched by chunks up to a ceiling, in the view that its type asks for. Everything is text: no
// markup of a body ever becomes markup of this page.

import { useState, useEffect, useMemo } from "../vendor/vendor.js";
import { html, Fault, Copy } from "../lib/ui.js";
import { bytes as fetchBytes, download, get } from "../lib/api.js";
import { useAsk } from "../lib/store.js";
import { parse, JsonError } from "../lib/json.js";
import { Tree } from "../lib/treeview.js";
import { visible } from "../lib/text.js";
import { size } from "../lib/time.js";
import { isLines } from "../lib/sse.js";
import { Form, Parts, Xml, Hex, Proto, Grpc, Events, JsonLines, Frames } from "./views.js";

export const CEILING = 10 * 1024 * 1024;
const ASK_ABOVE = 5 * 1000 * 1000;
const TEXT_CHUNK = 256 * 1024;
const IMAGES = /^image\/(png|jpeg|gif|webp|avif)$/;

const media = (type) => type.split(";")[0].trim().toLowerCase();

// The views of one side, the best first: [[id, name]].
export function viewsOf(detail, side) {
	const { type, bytes } = detail[side].body;
	if (!bytes) return [];
	const t = media(type);
	const raw = [["text", "Raw"], ["hex", "Hex"]];
	if (detail.kind === "websocket") return [["frames", "Messages"], ["hex", "Hex"]];
	if (/^application\/grpc/.test(t)) return [["grpc", "gRPC"], ["hex", "Hex"]];
	if (/protobuf|x-proto/.test(t)) return [["proto", "Protobuf"], ...raw];
	if (t === "text/event-stream") return [["events", "Events"], ...raw];
	if (/ndjson|jsonl|json-seq|json-lines/.test(t)) return [["lines", "Lines"], ...raw];
	if (/[/+]json$/.test(t)) return [["tree", "Tree"], ...raw];
	if (/[/+]xml$/.test(t)) return [["xml", "XML"], ...raw];
	if (t === "application/x-www-form-urlencoded") return [["form", "Form"], ...raw];
	if (t === "multipart/form-data") return [["parts", "Parts"], ...raw];
	if (IMAGES.test(t)) return [["image", "Image"], ["hex", "Hex"]];
	if (/^(text\/|application\/(javascript|x-sh|sql))/.test(t)) return raw;
	return [["guess", "As it seems"], ...raw];
}

const decode = (bytes) => new TextDecoder("utf-8").decode(bytes);

function Text({ text }) {
	const [shown, setShown] = useState(TEXT_CHUNK);
	return html`<pre class="raw" tabindex="0">${visible(text.slice(0, shown))}</pre>${text.length > shown && html`<p class="pad"><button type="button"
		onClick=${() => setShown(shown + TEXT_CHUNK * 4)}>Show more: ${size(shown)} of ${size(text.length)} are shown</button></p>`}`;
}

function Json({ text, asText }) {
	const read = useMemo(() => {
		try {
			return { root: parse(text) };
		} catch (e) {
			if (!(e instanceof JsonError)) throw e;
			return { error: e };
		}
	}, [text]);
	if (read.root) return html`<${Tree} root=${read.root} />`;
	const { error } = read;
	return html`<div class="note bad strip" role="alert"><p><b>This is not JSON:</b> line ${error.line}, column ${error.column}: ${error.what}.</p>
		<pre class="at">${visible(text.slice(Math.max(0, error.at - 40), error.at))}<mark>${visible(text.slice(error.at, error.at + 1)) || "end"}</mark>${visible(text.slice(error.at + 1, error.at + 40))}</pre></div>${asText()}`;
}

function Image({ bytes, type }) {
	const [url, set] = useState(null);
	useEffect(() => {
		const made = URL.createObjectURL(new Blob([bytes], { type: media(type) }));
		set(made);
		return () => URL.revokeObjectURL(made);
	}, [bytes]);
	return url && html`<p class="pad"><img class="picture" src=${url} alt=${`Picture of ${size(bytes.length)}`} /></p>`;
}

// A body without a type that says anything: by its bytes.
function guess(bytes) {
	const head = decode(bytes.subarray(0, 4096));
	if (/^\s*[[{]/.test(head)) return isLines(head) ? "lines" : "tree";
	if (/^\s*<\?xml/.test(head)) return "xml";
	return /[\u0000-\u0008\ufffd]/.test(head.slice(0, -1)) ? "hex" : "text";
}

function View({ view, bytes, detail, side, pieces }) {
	const { type } = detail[side].body;
	const text = useMemo(() => (["hex", "proto", "grpc", "frames", "parts", "image"].includes(view) ? "" : decode(bytes)), [bytes, view]);
	const asText = () => html`<${Text} text=${text} />`;
	switch (view) {
	case "guess": return html`<${View} view=${guess(bytes)} bytes=${bytes} detail=${detail} side=${side} pieces=${pieces} />`;
	case "tree": return html`<${Json} text=${text} asText=${asText} />`;
	case "form": return html`<${Form} text=${text} />`;
	case "parts": return html`<${Parts} bytes=${bytes} type=${type} />`;
	case "xml": return html`<${Xml} text=${text} />`;
	case "hex": return html`<${Hex} bytes=${bytes} />`;
	case "proto": return html`<${Proto} bytes=${bytes} />`;
	case "grpc": return html`<${Grpc} bytes=${bytes} />`;
	case "events": return html`<${Events} text=${text} pieces=${pieces} />`;
	case "lines": return html`<${JsonLines} text=${text} pieces=${pieces} />`;
	case "frames": return html`<${Frames} detail=${detail} side=${side} />`;
	case "image": return html`<${Image} bytes=${bytes} type=${type} />`;
	default: return asText();
	}
}

export function Body({ detail, side, view }) {
	const about = detail[side].body;
	const [asked, setAsked] = useState(false);
	const path = `/v1/exchanges/${detail.id}/${side}/body`;
	const big = about.bytes > ASK_ABOVE && !asked;
	const timed = view === "events" || view === "lines";
	const { data, error, again } = useAsk(async (signal) => {
		if (big || !about.bytes || view === "frames") return { bytes: new Uint8Array(0), stopped: false };
		const got = await fetchBytes(path, CEILING, signal);
		return { ...got, pieces: timed ? await get(`${path.replace(/body$/, "pieces")}`, signal).catch(() => []) : [] };
	}, `${path} ${asked} ${timed} ${view === "frames"}`);
	const save = html`<button type="button" class="tiny" onClick=${() => download(`${path}?raw`, {}, `${side}-${detail.id}`)}>Save<span class="vh"> the body of the ${side}</span></button>`;
	if (big)
		return html`<div class="pad"><p>This body has ${size(about.bytes)}. Showing it takes a while and much memory.</p><div class="acts"><button type="button" onClick=${() => setAsked(true)}>Show it
			${about.bytes > CEILING ? `up to ${size(CEILING)}` : ""}</button>${save}</div></div>`;
	if (error) return html`<${Fault} error=${error} again=${again} />`;
	if (!data) return html`<p class="pad q">Reading ${size(about.bytes)}</p>`;
	return html`<div class="body">${data.fault && html`<p class="note bad strip">${data.fault}</p>`}
		${data.stopped && html`<p class="note wait strip">Stopped after ${size(CEILING)}${about.coding ? `; ${size(about.bytes)} of ${about.coding} hold more` : ""}. ${save} gets all of it as it came.</p>`}
		<${View} view=${data.stopped && view === "tree" ? "text" : view} bytes=${data.bytes} detail=${detail} side=${side} pieces=${data.pieces} />
		${view !== "frames" && html`<p class="ktools"><${Copy} text=${() => decode(data.bytes)} what=${`body of the ${side}`}>Copy body</${Copy}>${save}</p>`}</div>`;
}
