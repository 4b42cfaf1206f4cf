// SPDX-License-Identifier: Apache-2.0
// Bodies, names and paths that want to be markup, commands of a terminal, or more than there is room for: they stand there.
import test, { before, after } from "node:test";
import assert from "node:assert/strict";
import { mock, launch, open } from "./browser.mjs";

let m;
let browser;
let rows;
before(async () => {
	m = await mock("--rows", "60");
	browser = await launch();
	({ rows } = await m.api("/v1/exchanges?limit=60"));
});
after(async () => {
	await browser.close();
	await m.end();
});

const byPath = (p) => rows.find((r) => r.path === p).id;

async function quiet({ page, context, faults }) {
	assert.equal(await page.evaluate(() => window.hacked), undefined);
	assert.deepEqual(await page.evaluate(() => window.violations), []);
	assert.deepEqual(await m.ask("reports"), []);
	assert.deepEqual(faults, []);
	await context.close();
}

test("markup, ANSI and bidi in every place do nothing and are seen", async () => {
	const id = byPath("/bitbucket-hook/<script>");
	const o = await open(browser, `${m.url}/#/r/${id}`);
	const { page } = o;
	const request = page.getByLabel("Request", { exact: true });
	for (const view of ["Tree", "Raw", "Hex"]) {
		await request.getByRole("button", { name: view, exact: true }).click();
		await request.getByText(view === "Hex" ? "00000000" : "<img src=x onerror").first().waitFor();
	}
	await page.getByLabel("Response", { exact: true }).getByText("<!doctype html>").waitFor();
	await page.getByText("<U+202E>gpj.exe").first().waitFor();
	const text = await page.evaluate(() => document.body.innerText);
	assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u200b]/);
	assert.equal(await page.locator(".detail img, .detail script, .vlist script, .detail iframe").count(), 0);
	assert.equal(await page.evaluate(() => ({}).polluted), undefined);
	for (const place of [`diff/${rows[0].id}/${id}`, `edit/${id}`]) {
		await page.goto(`${m.url}/#/${place}`);
		await page.getByText(/always change|Valid JSON/).first().waitFor();
	}
	await quiet(o);
});

test("a bomb of gzip is read up to 10 MiB and said so", async () => {
	const o = await open(browser, `${m.url}/#/r/${byPath("/bomb")}`);
	await o.page.getByText(/Stopped after 10.5 MB/).waitFor();
	await o.page.getByText("Show more").waitFor();
	assert.ok(await o.page.evaluate(() => document.querySelector("pre.raw").textContent.length) < 300000);
	await quiet(o);
});

test("a large body asks first, and its tree draws only what is open", async () => {
	const o = await open(browser, `${m.url}/#/r/${byPath("/big")}`);
	await o.page.getByRole("button", { name: "Show it" }).click();
	await o.page.getByText(/more of 90,000/).waitFor();
	assert.ok(await o.page.evaluate(() => document.querySelectorAll("*").length) < 12000);
	await quiet(o);
});

test("JSON that is none says where; forms, parts, XML, gRPC, messages and events have their views", async () => {
	const o = await open(browser, `${m.url}/#/r/${rows.find((r) => r.state === "failed").id}`);
	const { page } = o;
	await page.getByText("line 2, column 18").waitFor();
	const see = async (id, ...texts) => {
		await page.goto(`${m.url}/#/r/${id}`);
		await page.getByRole("heading", { name: `#${id}` }).waitFor();
		for (const t of texts) await page.getByText(t).first().waitFor();
	};
	await see(byPath("/upload"), "../../etc/<b>passwd</b>.txt", "chart.png");
	await see(byPath("/soap"), "<step n=\"1\" ok=\"true\">checkout</step>", "test &b;");
	await see(byPath("/acme.Builds/Watch"), "Message 3", "\"running\"", "grpc-status");
	await see(byPath("/pump"), "18446744073709551615");
	await see(byPath("/ws/builds"), "[23] compiling cart.c", "close 1000", "deflated");
	await see(byPath("/events"), "heartbeat", "progress");
	await see(byPath("/bulk"), "{\"n\":39,\"ok\":true}");
	await page.goto(`${m.url}/#/r/${byPath("/logo.png")}`);
	await page.waitForFunction(() => document.querySelector("img.picture")?.naturalWidth === 8);
	await quiet(o);
});

test("the policy works: what it forbids is refused", async () => {
	const o = await open(browser, m.url);
	const said = await o.page.evaluate(() => {
		try {
			document.createElement("p").innerHTML = "<b>x</b>";
			return "allowed";
		} catch (e) {
			return e.name;
		}
	});
	assert.equal(said, "TypeError");
	await o.context.close();
});
