// SPDX-License-Identifier: Apache-2.0
// The dashboard's pages with an edge behind them: what a role sees, and what a page does, which the commands see, too.
import test, { before, after } from "node:test";
import assert from "node:assert/strict";
import { launch, open } from "./browser.mjs";
import { session, quiet, url, aditd, PLACES } from "./dashboard_lab.mjs";

let browser;
before(async () => {
	browser = await launch();
});
after(() => browser.close());

const at = (page, place) => page.goto(`${url}/#/${place}`);
const nav = (page) => page.getByRole("navigation", { name: "Dashboard" }).getByRole("link").allInnerTexts().then((all) => all.map((t) => t.split("\n")[0]));

test("without a session a page says where a link comes from, and takes one", async () => {
	const o = await open(browser, url);
	await o.page.getByRole("code").getByText("aditd dashboard", { exact: true }).waitFor();
	assert.equal(await o.page.getByRole("navigation", { name: "Dashboard" }).count(), 0);
	await o.page.getByLabel("Link or its code").fill(`${url}/#t=${"x".repeat(43)}`);
	await o.page.getByRole("button", { name: "Begin the session" }).click();
	await o.page.getByText("was opened already").waitFor();
	await o.page.getByLabel("Link or its code").fill(aditd("dashboard", "auditor").trim());
	await o.page.keyboard.press("Enter");
	await o.page.getByText("What is wrong, worst first").waitFor();
	assert.match(await o.page.locator(".top .mid").innerText(), /^auditor, session ends in 1[12] h/);
	await o.page.reload();
	await o.page.getByText("What is wrong, worst first").waitFor();
	// The browser writes down each answer that was no good: those two were meant.
	o.faults.splice(0, o.faults.length, ...o.faults.filter((f) => !/401/.test(f)));
	await quiet(o);
});

test("every page shows what the edge says, and hostile names do nothing", async () => {
	const o = await session(browser);
	const { page } = o;
	for (const [, place, text] of PLACES) {
		await at(page, place);
		await page.getByText(text).filter({ visible: true }).first().waitFor();
		assert.equal(await page.locator("main img, main script, main b[onclick]").count(), 0);
		assert.doesNotMatch(await page.evaluate(() => document.body.innerText), /[\u202a-\u202e]/);
	}
	await at(page, "");
	await page.getByText("agent-away").waitFor();
	await page.getByText("3 webhooks are parked").waitFor();
	await at(page, "refused");
	await page.getByText("edge-signature").waitFor();
	await page.getByText("<script>window.hacked=1</script>").first().waitFor();
	await at(page, "accounts");
	await page.getByText("build <b>server</b>").waitFor();
	o.faults.splice(0, o.faults.length, ...o.faults.filter((f) => !/40[49]/.test(f)));
	await quiet(o);
});

test("keys go everywhere", async () => {
	const o = await session(browser);
	const { page } = o;
	await page.keyboard.press("g");
	await page.keyboard.press("t");
	await page.getByRole("heading", { name: "Tunnels", exact: true }).waitFor();
	await page.locator("tbody tr").first().waitFor();
	await page.keyboard.press("j");
	assert.match(await page.evaluate(() => document.activeElement.textContent + (document.activeElement.getAttribute("aria-label") ?? document.activeElement.querySelector("[aria-label]")?.getAttribute("aria-label"))), /Actions for/);
	await page.keyboard.press("/");
	await page.keyboard.type("prev");
	await page.getByText("1 of").waitFor();
	await page.keyboard.press("Control+k");
	await page.getByRole("combobox").fill("inb");
	await page.keyboard.press("Enter");
	await page.getByRole("heading", { name: "Deliveries" }).waitFor();
	await page.keyboard.press("?");
	await page.getByRole("dialog", { name: "Keys" }).getByText("Next row").waitFor();
	await quiet(o);
});

test("an operator replays, drops, disconnects, and releases", async () => {
	const o = await session(browser);
	const { page } = o;
	await at(page, "inbox");
	await page.getByRole("button", { name: /^Parked/ }).click();
	await page.locator("tbody tr").nth(2).waitFor();
	const ids = await page.locator("a.jump").allInnerTexts();
	await page.getByLabel(`Choose delivery ${ids[0].slice(1)}`).check();
	await page.getByRole("button", { name: "Drop 1..." }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Drop" }).click();
	await page.getByText(`Delivery ${ids[0].slice(1)} is dropped.`).waitFor();
	assert.match(aditd("inbox", "show", ids[0].slice(1)), /dropped/);
	await page.getByLabel(`Choose delivery ${ids[1].slice(1)}`).check();
	await page.getByRole("button", { name: "Replay 1" }).click();
	await page.getByText(`Delivery ${ids[1].slice(1)} is sent again.`).waitFor();
	await at(page, `inbox/${ids[2].slice(1)}`);
	await page.getByText("Did not find any jobs").waitFor();
	await page.getByRole("button", { name: "Show head and body" }).click();
	await page.getByText("acme/billing").first().waitFor();
	await at(page, "tunnels");
	const generation = () => JSON.parse(aditd("status", "--json")).tunnels.find((t) => t.tunnel === "docs")?.generation;
	const before = generation();
	await page.getByRole("button", { name: "Actions for docs" }).click();
	await page.getByRole("menuitem", { name: /^Disconnect/ }).click();
	await page.getByText("The link of docs was ended.").waitFor();
	for (let i = 0; i < 100 && [undefined, before].includes(generation()); i++) await page.waitForTimeout(50);
	assert.notEqual(generation(), before);
	await page.getByRole("button", { name: "Actions for preview" }).click();
	await page.getByRole("menuitem", { name: /^Disable/ }).click();
	await page.getByLabel(/^Type/).fill("preview");
	await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
	await page.getByText("preview is disabled.").waitFor();
	assert.match(aditd("name", "list"), /preview .*disabled/);
	await page.getByRole("button", { name: "Actions for preview" }).click();
	await page.getByRole("menuitem", { name: /^Enable/ }).click();
	await page.getByText("preview is enabled.").waitFor();
	assert.match(aditd("name", "list"), /preview .*held/);
	await page.getByRole("button", { name: "Actions for preview" }).click();
	await page.getByRole("menuitem", { name: /^Release/ }).click();
	const sure = page.getByRole("dialog").getByRole("button", { name: "Release" });
	assert.equal(await sure.isDisabled(), true);
	await page.getByLabel(/^Type/).fill("preview");
	await sure.click();
	await page.getByText("preview is released.").waitFor();
	assert.match(aditd("name", "list"), /preview .*released/);
	await quiet(o);
});

test("a token is shown once, works, and is revoked", async () => {
	const o = await session(browser);
	const { page } = o;
	await at(page, "accounts");
	await page.getByLabel("Account", { exact: true }).fill("fresh");
	await page.getByLabel("Label").fill("from the page");
	await page.getByRole("button", { name: "Make a token" }).click();
	await page.getByRole("heading", { name: "The new token of fresh" }).waitFor();
	const token = await page.locator(".once code").innerText();
	assert.ok(token.length > 20);
	await page.getByRole("button", { name: "I have it" }).click();
	assert.ok(!(await page.content()).includes(token));
	const row = page.getByRole("row").filter({ hasText: "from the page" });
	await row.getByRole("button", { name: /^Revoke/ }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
	await page.getByText("is revoked.").waitFor();
	assert.match(aditd("token", "list", "fresh"), /revoked/);
	await page.getByLabel("A link for").selectOption("auditor");
	await page.getByRole("button", { name: "Make a link" }).click();
	assert.match(await page.locator(".once code").innerText(), /#t=[\w-]{43}$/);
	await quiet(o);
});

test("what was done stands in the audit, and the log goes on", async () => {
	const o = await session(browser);
	const { page } = o;
	await at(page, "log");
	await page.getByRole("log").getByText("event=ready").waitFor();
	aditd("token", "add", "logged", "--label", "in the audit");
	aditd("name", "reserve", "audited", "logged");
	aditd("name", "release", "audited");
	await page.getByRole("log").getByText("name=audited").waitFor();
	await at(page, "audit");
	const row = page.getByRole("row").filter({ hasText: "token.add" }).filter({ hasText: "in the audit" });
	await row.getByText(/^uid \d+ by the command line$/).waitFor();
	await at(page, "configuration");
	await page.getByLabel("Filter settings").fill("keep_failed");
	await page.getByText("keep_failed_days").waitFor();
	assert.equal(await page.locator(".settings tr").count(), 1);
	await quiet(o);
});

test("a role sees what it may do, and no more", async () => {
	const auditor = await session(browser, ["auditor"]);
	await auditor.page.getByText("What is wrong, worst first").waitFor();
	for (const [, place, text] of PLACES.filter(([name]) => !["accounts", "certificates"].includes(name))) {
		await at(auditor.page, place);
		await auditor.page.getByText(text).filter({ visible: true }).first().waitFor();
		assert.equal(await auditor.page.getByRole("button", { name: /Actions|Replay|Drop|Revoke|Release|Make/ }).count(), 0, place);
	}
	assert.equal(await auditor.page.locator("main input[type=checkbox]").count(), 0);
	await quiet(auditor);
	const account = await session(browser, ["account", "ci"]);
	assert.deepEqual(await nav(account.page), ["Tunnels", "Inbox", "Accounts", "Limits"]);
	await account.page.getByText("theirs").waitFor();
	assert.equal(await account.page.getByText("docs").count(), 0);
	await at(account.page, "accounts");
	await account.page.getByText("build <b>server</b>").waitFor();
	assert.equal(await account.page.getByText("dashboard", { exact: false }).filter({ visible: true }).getByText("Who uses").count(), 0);
	await at(account.page, "refused");
	await account.page.getByText("not for your role").waitFor();
	await quiet(account);
});
