// SPDX-License-Identifier: Apache-2.0
// Bytes: Protocol Buffers, gRPC, WebSocket, forms, hex, events, XML.
import test from "node:test";
import assert from "node:assert/strict";
import zlib from "node:zlib";
import { message, grpcFrames } from "../../src/web/ui/lib/proto.js";
import { frames, messages, extensions } from "../../src/web/ui/lib/ws.js";
import { urlencoded, multipart, parameter } from "../../src/web/ui/lib/form.js";
import { row, rows } from "../../src/web/ui/lib/hex.js";
import { events, EventReader, lines, isLines, arrival } from "../../src/web/ui/lib/sse.js";
import { indent } from "../../src/web/ui/lib/xml.js";
import { visible, oneLine } from "../../src/web/ui/lib/text.js";

const bytes = (...parts) => Uint8Array.from(parts.flatMap((p) => (typeof p === "string" ? [...new TextEncoder().encode(p)] : p)));

test("protobuf: the manual's own example, 150 in field 1", () => {
	const m = message(bytes([0x08, 0x96, 0x01]));
	assert.deepEqual([m.whole, m.fields[0].number, m.fields[0].guesses[0].text], [true, 1, "150"]);
});

test("protobuf: text, messages inside, numbers of 64 bits, bytes", () => {
	const m = message(bytes([0x12, 7], "testing", [0x1a, 3, 0x08, 0x96, 0x01], [0x20], [255, 255, 255, 255, 255, 255, 255, 255, 255, 1], [0x2a, 2, 0xff, 0x00], [0x35], [0, 0, 0x80, 0x3f]));
	assert.equal(m.fields[0].string, "testing");
	assert.equal(m.fields[1].message.fields[0].guesses[0].text, "150");
	assert.deepEqual(m.fields[2].guesses.map((g) => g.text), ["18446744073709551615", "-1", "-9223372036854775808"]);
	assert.deepEqual([...m.fields[3].bytes], [255, 0]);
	assert.equal(m.fields[4].guesses[0].text, "1");
});

test("protobuf: what is cut says where", () => {
	for (const bad of [[0x08], [0x12, 5, 1], [0x0f, 1], [0x00, 1], [0x80], [0x09, 1, 2]]) assert.equal(message(Uint8Array.from(bad)).whole, false);
});

test("grpc frames", () => {
	const g = grpcFrames(bytes([0, 0, 0, 0, 2, 8, 1, 1, 0, 0, 0, 3, 9, 9, 9, 0, 0, 0, 0, 9, 1]));
	assert.deepEqual(g.frames.map((f) => [f.compressed, f.length, f.cut]), [[false, 2, false], [true, 3, false], [false, 9, true]]);
	assert.match(grpcFrames(bytes("not gRPC at all")).fault, /none of gRPC/);
});

const frame = (op, payload, { fin = 0x80, rsv1 = 0, mask } = {}) => {
	const head = payload.length < 126 ? [fin | rsv1 | op, (mask ? 128 : 0) | payload.length] : [fin | rsv1 | op, (mask ? 128 : 0) | 126, payload.length >> 8, payload.length & 255];
	return mask ? [...head, ...mask, ...payload.map((b, i) => b ^ mask[i & 3])] : [...head, ...payload];
};

test("websocket frames: the RFC's own, masked and not", async () => {
	const hello = Uint8Array.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58, 0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f]);
	const f = frames(hello);
	assert.equal(f.fault, null);
	const m = await messages(f.frames, null);
	assert.deepEqual(m.map((x) => [x.text, x.frames]), [["Hello", 1], ["Hello", 2]]);
});

test("websocket: control frames, codes, faults, cut ends", async () => {
	const all = frames(Uint8Array.from([...frame(9, [65]), ...frame(8, [3, 232, 98, 121, 101]), 0x81, 10, 65]));
	const m = await messages(all.frames, null);
	assert.deepEqual([m[0].kind, m[1].code, m[1].text, m[2].cut, m[2].text], ["ping", 1000, "bye", true, "A"]);
	assert.match(frames(Uint8Array.from([0x83, 0])).fault, /opcode/);
	assert.match(frames(Uint8Array.from([0xb1, 0])).fault, /reserved/);
	assert.match(frames(Uint8Array.from([0x81])).fault, /cut/);
});

test("websocket: permessage-deflate with the window carried over, and without", async (t) => {
	if (typeof DecompressionStream === "undefined") return t.skip("this node has no DecompressionStream");
	try {
		new DecompressionStream("deflate-raw");
	} catch {
		return t.skip("this node's DecompressionStream has no deflate-raw");
	}
	const texts = ["Hello", "Hello Hello Hello", "x".repeat(70000), "Hello again, Hello"];
	const z = zlib.createDeflateRaw({ flush: zlib.constants.Z_SYNC_FLUSH, level: 9 });
	let wire = [];
	for (const text of texts) {
		const out = await new Promise((done) => {
			const parts = [];
			z.on("data", (d) => parts.push(d));
			z.write(text, () => z.flush(zlib.constants.Z_SYNC_FLUSH, () => {
				z.removeAllListeners("data");
				done(Buffer.concat(parts));
			}));
		});
		wire = wire.concat(frame(1, [...out.subarray(0, -4)], { rsv1: 0x40, mask: [1, 2, 3, 4] }));
	}
	const m = await messages(frames(Uint8Array.from(wire)).frames, extensions("permessage-deflate"), false);
	assert.deepEqual(m.map((x) => x.text), texts);
	assert.deepEqual(extensions("permessage-deflate; server_no_context_takeover"), { clientFresh: false, serverFresh: true });
	assert.equal(extensions("x-webkit"), null);
	return undefined;
});

test("forms", () => {
	assert.deepEqual(urlencoded("a=1&b=%C5%BC+x&c&=d&e=%zz").map((f) => [f.name, f.value, f.right]), [["a", "1", true], ["b", "ż x", true], ["c", "", true], ["", "d", true], ["e", "%zz", false]]);
	const body = bytes('--B\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="x\\"y.png"\r\nContent-Type: image/png\r\n\r\n', [0, 255, 13, 10, 45], "\r\n--B--\r\n");
	const { parts, fault } = multipart(body, 'multipart/form-data; boundary="B"');
	assert.equal(fault, null);
	assert.deepEqual(parts.map((p) => [p.name, p.filename, p.type, p.bytes.length]), [["a", null, "", 3], ["f", 'x"y.png', "image/png", 5]]);
	assert.match(multipart(body.subarray(0, 60), "multipart/form-data; boundary=B").fault, /cut|missing/);
	assert.match(multipart(body, "multipart/form-data").fault, /boundary/);
	assert.equal(parameter("form-data; filename=\"a b\"; name=x", "name"), "x");
	for (let i = 0; i < body.length; i++) multipart(body.subarray(0, i), "multipart/form-data; boundary=B");
});

test("hex", () => {
	assert.equal(rows(new Uint8Array(17)), 2);
	assert.deepEqual(row(bytes("AB\n"), 0), { offset: "00000000", hex: `41 42 0a ${"   ".repeat(4)}    ${"   ".repeat(8)}`.slice(0, 48).padEnd(48), text: "AB." });
});

test("events: whole, in pieces, with their places", () => {
	const text = ": hi\n\nid: 7\r\nevent: x\r\ndata: a\r\ndata: b\r\n\r\ndata:c\n\nretry: 10\ndata\n\ndata: no end";
	const whole = events(text);
	assert.deepEqual(whole.events.map((e) => [e.type, e.data, e.id, e.comment]), [["", null, null, "hi"], ["x", "a\nb", "7", null], ["", "c", null, null], ["", "", null, null]]);
	assert.equal(whole.rest, true);
	assert.equal(text.slice(whole.events[1].at, whole.events[1].at + 5), "id: 7");
	for (let cut = 1; cut < 6; cut++) {
		const r = new EventReader();
		const out = [];
		for (let i = 0; i < text.length; i += cut) out.push(...r.feed(text.slice(i, i + cut)));
		assert.deepEqual(out.map((e) => [e.type, e.data, e.at]), whole.events.map((e) => [e.type, e.data, e.at]), `pieces of ${cut}`);
	}
	assert.deepEqual([arrival([[5, 0, 10], [9, 10, 10]], 3), arrival([[5, 0, 10], [9, 10, 10]], 10), arrival([], 0)], [5, 9, null]);
	assert.deepEqual([lines("a\r\n\nb").map((l) => l.at), isLines('{"a":1}\n{"b":2}\n'), isLines('{"a":\n1}')], [[0, 4], true, false]);
});

test("xml is indented and nothing in it is resolved", () => {
	const out = indent('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a b="1>2"><c>t &x;</c><d/><e></e></a>');
	assert.deepEqual(out.lines.map((l) => `${"-".repeat(l.depth)}${l.text}`), ['<?xml version="1.0"?>', '<!DOCTYPE a [<!ENTITY x "y">]>', '<a b="1>2">', "-<c>t &x;</c>", "-<d/>", "-<e></e>", "</a>"]);
	for (const bad of ["<", "<a", "</", "<!--", "<![CDATA[", "<a b='", "</a></b>", "<!D ["]) indent(bad);
});

test("what cannot be seen is shown", () => {
	assert.equal(visible("a\x1b[31m\u202eb\u200b\n"), "a<1B>[31m<U+202E>b<U+200B>\n");
	assert.equal(oneLine("a\nb\tc"), "a<0A>b c");
	assert.equal(visible("Łódź 東京 👩‍💻".slice(0, 7)), "Łódź 東京");
});
