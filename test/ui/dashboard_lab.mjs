// SPDX-License-Identifier: Apache-2.0
// What the tests of the dashboard share: an edge that test_dashboard_ui.py has prepared, its commands, and sessions.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open } from "./browser.mjs";

export const { url, aditd: command } = JSON.parse(process.env.DASHBOARD);
export const aditd = (...args) => execFileSync(command[0], [...command.slice(1), ...args], { encoding: "utf8" });

// A page with a session of this role, at its first place.
export async function session(browser, role = ["operator"], options = {}) {
	const o = await open(browser, aditd("dashboard", ...role).trim(), options);
	await o.page.getByRole("navigation", { name: "Dashboard" }).waitFor();
	assert.equal(new URL(o.page.url()).hash, "#/");
	return o;
}

// What a page may not have done.
export async function quiet({ page, context, faults }) {
	assert.equal(await page.evaluate(() => window.hacked), undefined);
	assert.deepEqual(await page.evaluate(() => window.violations), []);
	assert.deepEqual(faults, []);
	await context.close();
	assert.equal((await (await fetch(`${url}/csp-report`)).json()).reports ?? 0, 0);
}

export const PLACES = [["overview", "", "What is wrong, worst first"], ["tunnels", "tunnels", "preview"], ["inbox", "inbox", "acme/billing"], ["certificates", "certificates", "--dev"], ["accounts", "accounts", "Make a token"],
	["refused", "refused", "By tunnel and reason"], ["limits", "limits", "DASHBOARD_SESSIONS"], ["audit", "audit", "token.add"], ["configuration", "configuration", "visitors_per_address"],
	["log", "log", "event=ready"]];
