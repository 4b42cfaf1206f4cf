// SPDX-License-Identifier: Apache-2.0
// The inspector in a real browser: what comes in appears, keys do what they say, edit and replay sends what was edited.
import test, { before, after } from "node:test";
import assert from "node:assert/strict";
import { mock, launch, open, rowsShown } from "./browser.mjs";

let m;
let browser;
before(async () => {
	m = await mock("--rows", "300");
	browser = await launch();
});
after(async () => {
	await browser.close();
	await m.end();
});

async function inspector(place = "", options) {
	const o = await open(browser, `${m.url}/#/${place}`, options);
	await rowsShown(o.page).first().waitFor();
	return o;
}

const done = async ({ page, context, faults }) => {
	assert.deepEqual(await page.evaluate(() => window.violations), []);
	assert.deepEqual(faults, []);
	await context.close();
};

const parked = async () => (await m.api("/v1/exchanges?q=state:parked+-is:replay&limit=1")).rows[0];

test("a webhook appears without a reload, and the list stands still once somebody moved", async () => {
	const o = await inspector();
	const { id } = await m.ask("add", { repository: "acme/fresh-one" });
	await o.page.getByText("acme/fresh-one").waitFor();
	assert.equal(await rowsShown(o.page).first().getAttribute("data-id"), id);
	for (let i = 0; i < 4; i++) await o.page.keyboard.press("j");
	const at = await o.page.evaluate(() => document.querySelector('.row[aria-selected="true"]').dataset.id);
	await m.ask("add", { repository: "acme/second" });
	await o.page.getByRole("button", { name: "1 new request" }).waitFor();
	assert.equal(await o.page.evaluate(() => document.querySelector('.row[aria-selected="true"]').dataset.id), at);
	await o.page.getByRole("button", { name: "1 new request" }).click();
	await o.page.getByText("acme/second").waitFor();
	await done(o);
});

test("a row changes where it stands", async () => {
	const { id } = await m.ask("add", { state: "queued", status: null, repository: "acme/waits" });
	const o = await inspector();
	await o.page.locator(`#row-${id}`).getByText("queued").waitFor();
	await m.ask("change", { id, state: "delivered", status: 200 });
	await o.page.locator(`#row-${id}`).getByText("delivered").waitFor();
	await done(o);
});

test("keys: j, k, Enter, Escape, ?, Ctrl K, d, p", async () => {
	const o = await inspector();
	const { page } = o;
	await page.keyboard.press("j");
	await page.keyboard.press("j");
	const ids = await rowsShown(page).evaluateAll((list) => list.map((r) => r.dataset.id));
	const second = [...ids].sort((a, b) => b - a)[1];
	await page.keyboard.press("Enter");
	await page.waitForFunction((id) => location.hash === `#/r/${id}`, second);
	await page.getByRole("heading", { name: `#${second}` }).waitFor();
	await page.keyboard.press("k");
	const first = [...ids].sort((a, b) => b - a)[0];
	await page.waitForFunction((id) => location.hash === `#/r/${id}`, first);
	await page.getByRole("heading", { name: `#${first}` }).waitFor();
	await page.keyboard.press("p");
	await page.getByRole("button", { name: "Pinned" }).waitFor();
	await page.keyboard.press("d");
	await page.keyboard.press("j");
	await page.getByRole("heading", { name: `#${second}` }).waitFor();
	await page.keyboard.press("d");
	await page.waitForFunction(([a, b]) => location.hash === `#/diff/${a}/${b}`, [first, second]);
	await page.getByText("Request line and headers").waitFor();
	await page.keyboard.press("Escape");
	await page.waitForFunction((id) => location.hash === `#/r/${id}`, second);
	await page.keyboard.press("Escape");
	await page.waitForFunction(() => location.hash === "#/");
	await page.keyboard.press("?");
	await page.getByRole("dialog", { name: "Keys and filters" }).getByText("Copy as curl").waitFor();
	await page.getByRole("dialog").getByText("Next request").waitFor();
	await page.keyboard.press("Escape");
	await page.keyboard.press("Control+k");
	await page.getByRole("combobox", { name: "Type a command" }).fill("doctor");
	await page.keyboard.press("Enter");
	await page.getByText("no job takes this webhook").first().waitFor();
	await done(o);
});

test("the filter is in the address, and a reload keeps it", async () => {
	const o = await inspector();
	const { page } = o;
	await page.keyboard.press("/");
	await page.keyboard.type("state:parked -is:replay");
	await page.waitForFunction(() => location.hash.includes("q=state:parked"));
	await page.waitForFunction(() => [...document.querySelectorAll(".vbody .row .c-state")].every((s) => s.textContent.startsWith("parked")));
	const n = Number(await page.locator(".vlist").getAttribute("aria-rowcount")) - 1;
	assert.equal(n, (await m.api("/v1/exchanges?q=state:parked+-is:replay")).total);
	await page.reload();
	await page.waitForFunction((k) => document.querySelector(".vlist")?.getAttribute("aria-rowcount") === String(k), n + 1);
	assert.equal(await page.locator("#q").inputValue(), "state:parked -is:replay");
	await done(o);
});

test("words are searched in bodies while they are typed", async () => {
	const o = await inspector();
	await o.page.locator("#q").fill("Okafor");
	await o.page.getByText(/requests in .* of bodies/).waitFor();
	assert.ok((await o.page.locator("mark").first().textContent()).match(/okafor/i));
	await done(o);
});

test("why it did not build, attempts, both sides, one hidden value", async () => {
	const row = await parked();
	const o = await inspector(`r/${row.id}`);
	const { page } = o;
	await page.getByRole("heading", { name: "Jenkins has no job for this webhook." }).waitFor();
	await page.getByText("stopped here").or(page.getByLabel("stopped here")).first().waitFor();
	await page.getByLabel(/^Attempts/).getByText("connection refused").waitFor();
	await page.locator(".json .n", { hasText: "9007199254740993" }).waitFor();
	await page.getByLabel("Response", { exact: true }).getByText("Did not find any jobs").waitFor();
	assert.equal(await page.getByText("ab54ab54").count(), 0);
	await page.getByRole("button", { name: "Show X-Hub-Signature" }).click();
	await page.getByText("ab54ab54").waitFor();
	await done(o);
});

test("replay: as it was by a key, signed anew and to another place by the menu", async () => {
	const row = await parked();
	const o = await inspector(`r/${row.id}`);
	const { page } = o;
	await page.getByRole("heading", { name: `#${row.id}` }).waitFor();
	await page.getByLabel("Request", { exact: true }).getByText("X-Event-Key").waitFor();
	await page.keyboard.press("r");
	await page.getByText(/^Sent #\d+, as it was/).waitFor();
	await page.keyboard.press("t");
	await page.getByRole("menuitem", { name: /To staging/ }).click();
	await page.getByText(/to staging, as it was/).waitFor();
	await page.keyboard.press("t");
	await page.getByRole("menuitem", { name: /From here on with|From here on, with/ }).click();
	await page.getByText(/^Sent \d+ requests|^Sent #\d+, as/).last().waitFor();
	const sent = await m.ask("sent");
	assert.deepEqual(sent.slice(-3).map((s) => [s.of, s.mode, s.to ?? "", s.onward, s.gaps, s.times]), [
		[row.id, "exact", "", false, false, 1], [row.id, "exact", "staging", false, false, 1], [row.id, "exact", "", true, true, 1]]);
	await done(o);
});

test("edit and replay: the body is checked, what was edited is sent, hidden values stay with the agent", async () => {
	const row = await parked();
	const o = await inspector(`r/${row.id}`);
	const { page } = o;
	await page.getByRole("heading", { name: `#${row.id}` }).waitFor();
	await page.keyboard.press("e");
	const body = page.getByLabel("Body", { exact: true });
	await body.waitFor();
	const text = await body.inputValue();
	await body.fill(text.replace("{", "{,"));
	await page.getByText(/Line 1, column 2: a key/).waitFor();
	await body.fill(text.replace('"release/2.4"', '"main"').replace("9007199254740993", "9007199254740995"));
	await page.getByText("Valid JSON").waitFor();
	await page.getByText("/push/changes/0/new/name").waitFor();
	await page.getByLabel("Value of X-Event-Key").fill("repo:changed");
	assert.ok(await page.getByRole("radio", { name: /As it was/ }).isDisabled());
	await body.focus();
	await page.keyboard.press("Control+Enter");
	await page.waitForFunction((id) => /^#\/r\/\d+$/.test(location.hash) && location.hash !== `#/r/${id}`, row.id);
	const sent = (await m.ask("sent")).at(-1);
	assert.equal(sent.parent, row.id);
	assert.equal(sent.sign, true);
	assert.equal(sent.target, "/generic-webhook-trigger/invoke?token=(hidden)");
	assert.match(sent.body, /"name": "main"/);
	assert.match(sent.body, /9007199254740995/);
	assert.deepEqual(sent.headers.find(([n]) => n === "X-Event-Key"), ["X-Event-Key", "repo:changed"]);
	assert.ok(!sent.headers.some(([n]) => /signature/i.test(n)));
	await page.getByText("repo:changed").waitFor();
	await done(o);
});

test("a pasted curl command becomes a request", async () => {
	const o = await inspector();
	const { page } = o;
	await page.keyboard.press("n");
	await page.getByRole("button", { name: "Paste a curl command" }).click();
	await page.getByRole("textbox", { name: "Command" }).fill("nonsense");
	await page.getByRole("button", { name: "Use it" }).click();
	await page.getByText("could not be read").waitFor();
	await page.getByRole("textbox", { name: "Command" }).fill("curl -X PUT https://else.example/a/b?c=1 -H 'X-One: 1' -d '{\"a\":1}'");
	await page.getByRole("button", { name: "Use it" }).click();
	await page.getByRole("button", { name: "Send" }).click();
	await page.waitForFunction(() => location.hash.startsWith("#/r/"));
	const sent = (await m.ask("sent")).at(-1);
	assert.deepEqual([sent.method, sent.target, sent.body], ["PUT", "/a/b?c=1", '{"a":1}']);
	await done(o);
});

test("copy as curl, export, import, marks", async () => {
	const row = await parked();
	const o = await inspector(`r/${row.id}`);
	const { page } = o;
	await page.getByRole("heading", { name: `#${row.id}` }).waitFor();
	await page.keyboard.press("c");
	await page.getByText(/^Copied #\d+ as curl; hidden values are not in it/).waitFor();
	const text = await page.evaluate(() => navigator.clipboard.readText());
	assert.match(text, /^curl -sS -X POST 'https:\/\/jenkins\.tunnel\.example\.org\/generic-webhook-trigger\/invoke\?token=\(hidden\)'/);
	assert.match(text, /X-Hub-Signature: HIDDEN/);
	await page.keyboard.press(" ");
	await page.keyboard.press("j");
	await page.keyboard.press(" ");
	await page.getByText("2 requests chosen").waitFor();
	await page.locator(".filter").getByRole("button", { name: "Export..." }).click();
	const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: /pytest/ }).click()]);
	assert.equal(file.suggestedFilename(), "test_requests.py");
	await page.keyboard.press("Escape");
	const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("i")]);
	await chooser.setFiles({ name: "x.har", mimeType: "application/json", buffer: Buffer.from("{}") });
	await page.getByText(/^Imported 1 from x.har/).waitFor();
	await done(o);
});

test("a permalink opens an old request; one that is gone says so", async () => {
	const o = await inspector("r/5");
	await o.page.getByRole("heading", { name: /#5/ }).waitFor();
	await o.page.goto(`${m.url}/#/r/99999`);
	await o.page.getByText("There is no request 99999.").waitFor();
	o.faults.length = 0;
	await done(o);
});

test("inbox, delivery, sink", async () => {
	const o = await inspector();
	const { page } = o;
	await page.getByRole("link", { name: "Inbox" }).click();
	await page.getByText(/webhooks? needs? you/).waitFor();
	await page.getByRole("button", { name: /^parked/ }).click();
	await page.waitForFunction(() => [...document.querySelectorAll("tbody td:nth-child(3)")].every((t) => t.textContent === "parked"));
	await page.locator("tbody a").first().click();
	await page.getByRole("heading", { name: /^Delivery/ }).waitFor();
	await page.getByRole("button", { name: "Replay" }).click();
	await page.getByText(/is sent again/).waitFor();
	await page.keyboard.press("g");
	await page.keyboard.press("s");
	await page.getByLabel("Status").first().fill("999");
	await page.getByText("The status is 200 to 599.").waitFor();
	await page.getByLabel("Status").first().fill("503");
	await page.getByRole("button", { name: "Use these rules" }).click();
	await page.getByText("The rules are in use.").waitFor();
	assert.equal((await m.api("/v1/sink")).rules[0].status, 503);
	await done(o);
});

test("nothing yet: what to paste where, and the first webhook takes its place", async () => {
	const empty = await mock("--empty");
	try {
		const o = await open(browser, `${empty.url}/`);
		await o.page.getByRole("heading", { name: /No webhook has come in yet/ }).waitFor();
		await o.page.getByText("https://jenkins.tunnel.example.org/bitbucket-hook/").first().waitFor();
		await empty.ask("add", { repository: "acme/first" });
		await o.page.getByText("acme/first").waitFor();
		await done(o);
	} finally {
		await empty.end();
	}
});

test("a token is asked for, taken from the fragment, and gone from the address", async () => {
	const locked = await mock("--token", "abc-123");
	try {
		const o = await open(browser, `${locked.url}/`);
		await o.page.getByLabel("Link or token").fill("abc-123");
		await o.page.getByRole("button", { name: "Go on" }).click();
		await rowsShown(o.page).first().waitFor();
		await o.context.close();
		const p = await open(browser, `${locked.url}/#t=abc-123`);
		await rowsShown(p.page).first().waitFor();
		assert.ok(!p.page.url().includes("abc-123"));
		await done(p);
	} finally {
		await locked.end();
	}
});

test("eight tabs: the stream is open in the one that is seen, all pages load", async () => {
	const context = await browser.newContext();
	for (let i = 0; i < 8; i++) {
		const page = await context.newPage();
		await page.goto(m.url);
		await rowsShown(page).first().waitFor();
		await page.evaluate(() => {
			Object.defineProperty(document, "visibilityState", { value: "hidden" });
			document.dispatchEvent(new Event("visibilitychange"));
		});
	}
	await context.close();
});

test("the program goes away and comes back: the page says so and goes on", async () => {
	const other = await mock("--rows", "30");
	const o = await open(browser, other.url);
	await rowsShown(o.page).first().waitFor();
	await o.context.setOffline(true);
	await o.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
	await other.ask("state", "reconnecting");
	await o.context.setOffline(false);
	await o.page.getByText("Reconnecting").first().waitFor();
	await o.page.getByText(/connection refused; attempt 4/).waitFor();
	await other.end();
	await o.page.getByText("adit does not answer").first().waitFor();
	await o.context.close();
});
