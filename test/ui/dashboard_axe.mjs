// SPDX-License-Identifier: Apache-2.0
// axe-core on every page of the dashboard, in both themes, on a phone and a desk; no page is wider than its screen.
import test, { before, after } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { launch, open, axeSource } from "./browser.mjs";
import { session, url, PLACES } from "./dashboard_lab.mjs";

const SHOTS = process.env.SHOTS;
let browser;
before(async () => {
	browser = await launch();
	if (SHOTS) mkdirSync(SHOTS, { recursive: true });
});
after(() => browser.close());

async function look(page, name, width, theme) {
	await page.evaluate(() => document.getAnimations().forEach((a) => a.finish()));
	if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(axeSource());
	const result = await page.evaluate(async () => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
	const found = result.violations.map((v) => `${name} ${width} ${theme}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} ${n.failureSummary?.split("\n")[1] ?? ""}`).join(" | ")}`);
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	if (wide > 0) found.push(`${name} ${width} ${theme}: the page is ${wide} px wider than its screen`);
	if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${width}-${theme}.png` });
	return found;
}

for (const width of [360, 1280])
	for (const theme of ["light", "dark"])
		test(`${width} px, ${theme}`, async () => {
			const found = [];
			const size = { width, height: width === 360 ? 800 : 900, theme };
			const o = await session(browser, ["operator"], size);
			const { page } = o;
			for (const [name, place, text] of PLACES) {
				await page.goto(`${url}/#/${place}`);
				await page.getByText(text).filter({ visible: true }).first().waitFor();
				found.push(...await look(page, name, width, theme));
			}
			await page.goto(`${url}/#/inbox`);
			await page.locator("a.jump").first().click();
			await page.getByText("What was tried").waitFor();
			await page.getByRole("button", { name: "Show head and body" }).click();
			await page.getByText("X-Hub-Signature").first().waitFor();
			found.push(...await look(page, "delivery", width, theme));
			await page.getByRole("button", { name: "Drop..." }).click();
			await page.getByRole("dialog").waitFor();
			found.push(...await look(page, "sure", width, theme));
			await page.keyboard.press("Escape");
			await page.keyboard.press("Control+k");
			await page.getByRole("dialog").waitFor();
			found.push(...await look(page, "palette", width, theme));
			await page.keyboard.press("Escape");
			await page.goto(`${url}/#/tunnels`);
			await page.getByRole("button", { name: "Actions for docs" }).click();
			await page.getByRole("menu").waitFor();
			found.push(...await look(page, "menu", width, theme));
			await o.context.close(); // axe puts styles into the page: what the policy says of them is not ours
			for (const [name, role] of [["auditor", ["auditor"]], ["account", ["account", "ci"]]]) {
				const other = await session(browser, role, size);
				await other.page.locator("main h1").waitFor();
				found.push(...await look(other.page, name, width, theme));
				await other.context.close();
			}
			const stranger = await open(browser, url, size);
			await stranger.page.getByText("wants a session").waitFor();
			found.push(...await look(stranger.page, "no-session", width, theme));
			await stranger.context.close();
			assert.deepEqual(found, []);
		});
