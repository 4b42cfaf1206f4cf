// SPDX-License-Identifier: Apache-2.0
// The pages of a real agent, which test_replay_ui.py has started: a webhook is edited and sent, and replayed by a key.
// REPLAY: {"web","id"}, the agent's address and the request.

import test, { after } from "node:test";
import assert from "node:assert/strict";
import { launch, open } from "./browser.mjs";

const { web, id } = JSON.parse(process.env.REPLAY);
const browser = await launch();
after(() => browser.close());

const newPlace = (page, from) => page.waitForFunction((was) => /^#\/r\/\d+$/.test(location.hash) && location.hash !== `#/r/${was}`, from);

async function done({ page, context, faults }) {
	assert.deepEqual(await page.evaluate(() => window.violations), []);
	assert.deepEqual(faults, []);
	await context.close();
}

test("edit and replay changes what the origin gets", async () => {
	const o = await open(browser, `http://${web}/#/edit/${id}`);
	const { page } = o;
	const body = page.getByLabel("Body", { exact: true });
	await body.waitFor();
	await page.getByText("Valid JSON").waitFor();
	await body.fill((await body.inputValue()).replace('"main"', '"edited-branch"'));
	await page.getByLabel("Value of X-Event-Key").fill("repo:edited");
	await body.focus();
	await page.keyboard.press("Control+Enter");
	await newPlace(page, id);
	await page.getByText("repo:edited").first().waitFor();
	await done(o);
});

test("the key r sends it as it was", async () => {
	const o = await open(browser, `http://${web}/#/r/${id}`);
	const { page } = o;
	await page.getByRole("heading", { name: `#${id}` }).waitFor();
	await page.getByRole("button", { name: /^Replay/ }).first().waitFor();
	const answer = page.waitForResponse((r) => r.url().endsWith(`/v1/exchanges/${id}/replay`));
	await page.keyboard.press("r");
	assert.equal((await answer).status(), 202);
	await done(o);
});

test("a file of .http requests is saved", async () => {
	const o = await open(browser, `http://${web}/#/r/${id}`);
	const { page } = o;
	await page.getByRole("heading", { name: `#${id}` }).waitFor();
	const answer = await page.evaluate(async (n) => {
		const m = await fetch("/v1/export", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ids: [n], as: "http" }) });
		return [m.status, (await m.arrayBuffer()).byteLength % 512];
	}, id);
	assert.deepEqual(answer, [200, 0]);
	await done(o);
});
