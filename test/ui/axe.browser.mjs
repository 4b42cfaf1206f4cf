// SPDX-License-Identifier: Apache-2.0
// axe-core on every page, in both themes, on a phone, a tablet and a desk; no page is wider than its screen.
import test, { before, after } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { mock, launch, open, axeSource } from "./browser.mjs";

const SHOTS = process.env.SHOTS;
let m;
let empty;
let locked;
let browser;
let places;
before(async () => {
	[m, empty, locked] = await Promise.all([mock("--rows", "200"), mock("--empty"), mock("--token", "x")]);
	browser = await launch();
	if (SHOTS) mkdirSync(SHOTS, { recursive: true });
	const { rows } = await m.api("/v1/exchanges?limit=60");
	const parked = rows.find((r) => r.state === "parked" && !r.parent);
	const { previous } = await m.api(`/v1/exchanges/${parked.id}`);
	const at = (p) => rows.find((r) => r.path === p).id;
	places = [["list", "", "acme/web"], ["nothing", "?q=status:299", "Nothing matches"], ["search", "?q=pump", "of bodies"], ["detail", `r/${parked.id}`, "Did not find any jobs"], ["refused", `r/${rows.find((r) => r.state === "refused").id}`, "never saw it"],
		["websocket", `r/${at("/ws/builds")}`, "compiling"], ["grpc", `r/${at("/acme.Builds/Watch")}`, "Message 3"], ["parts", `r/${at("/upload")}`, "chart.png"], ["events", `r/${at("/events")}`, "heartbeat"], ["broken", `r/${rows.find((r) => r.state === "failed").id}`, "This is not JSON"],
		["gone", "r/424242", "There is no request"], ["diff", `diff/${previous}/${parked.id}`, "Request line and headers"], ["edit", `edit/${parked.id}`, "Valid JSON"], ["send", "send", "Valid JSON"], ["inbox", "inbox", "Deliveries"], ["delivery", `inbox/${parked.delivery}`, "Attempt 2"],
		["doctor", "doctor", "no job takes"], ["sink", "sink", "Rule 1"]];
});
after(async () => {
	await browser.close();
	await Promise.all([m, empty, locked].map((x) => x.end()));
});

async function look(page, name, width, theme) {
	const result = await page.evaluate(async () => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
	const found = result.violations.map((v) => `${name} ${width} ${theme}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} ${n.failureSummary?.split("\n")[1] ?? ""}`).join(" | ")}`);
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	if (wide > 0) found.push(`${name} ${width} ${theme}: the page is ${wide} px wider than its screen`);
	if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${width}-${theme}.png` });
	return found;
}

for (const width of [360, 768, 1440])
	for (const theme of ["light", "dark"])
		test(`${width} px, ${theme}`, async () => {
			const found = [];
			const source = axeSource();
			const one = async (page, name) => {
				await page.evaluate(() => document.getAnimations().forEach((a) => a.finish()));
				if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(source);
				found.push(...await look(page, name, width, theme));
			};
			const o = await open(browser, m.url, { width, height: width === 1440 ? 900 : 800, theme });
			for (const [name, place, text] of places) {
				await o.page.goto(`${m.url}/#/${place}`);
				await o.page.getByText(text).filter({ visible: true }).first().waitFor();
				await one(o.page, name);
			}
			await o.page.goto(`${m.url}/#/`);
			await o.page.getByText("acme/web").first().waitFor();
			await o.page.keyboard.press("Control+k");
			await o.page.getByRole("dialog").waitFor();
			await one(o.page, "palette");
			await o.page.keyboard.press("Escape");
			await o.page.keyboard.press("?");
			await o.page.getByRole("dialog").waitFor();
			await one(o.page, "help");
			await o.page.keyboard.press("Escape");
			await o.page.goto(`${m.url}/#/${places[3][1]}`);
			await o.page.getByText(places[3][2]).first().waitFor();
			await o.page.keyboard.press("t");
			await o.page.getByRole("menu").waitFor();
			await one(o.page, "menu");
			for (const [other, name, text] of [[empty, "empty", "has come in yet"], [locked, "token", "wants a token"]]) {
				await o.page.goto(other.url);
				await o.page.getByText(text).first().waitFor();
				await one(o.page, name);
			}
			await o.context.close();
			assert.deepEqual(found, []);
		});
