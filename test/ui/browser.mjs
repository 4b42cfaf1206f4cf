// SPDX-License-Identifier: Apache-2.0
// What the browser tests share: the stand-in for the agent, Chromium, and a watch on everything that a page may not do.
// NPM: the folder with playwright-core and axe-core; CHROMIUM: the program.

import { createRequire } from "node:module";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const require = createRequire(path.join(process.env.NPM ?? path.join(root, "build/npm/node_modules"), "x.js"));

export const { chromium } = require("playwright-core");
export const axeSource = () => require("axe-core").source;

// A mock with its own process: ask("add", {..}), ask("sent").
export async function mock(...args) {
	const child = spawn(process.env.PYTHON ?? "/usr/bin/python3", [path.join(root, "test/lib/inspector_mock.py"), "--port", "0", "--control", ...args], { stdio: ["pipe", "pipe", "inherit"] });
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const { url } = JSON.parse((await lines.next()).value);
	return {
		url,
		api: async (p, options) => (await fetch(url + p, options)).json(),
		async ask(verb, what) {
			child.stdin.write(`${verb} ${what === undefined ? "" : typeof what === "string" ? what : JSON.stringify(what)}\n`);
			return JSON.parse((await lines.next()).value);
		},
		async end() {
			child.stdin.end();
			if (child.exitCode === null) await once(child, "exit");
		},
	};
}

export const launch = (args = []) => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--disable-dev-shm-usage", ...(process.getuid() === 0 ? ["--no-sandbox"] : []), ...args] });

// A page that remembers every error, refusal of the policy and dialog.
export async function open(browser, url, { width = 1440, height = 900, theme = "light", ...more } = {}) {
	const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, permissions: ["clipboard-read", "clipboard-write"], ...more });
	const page = await context.newPage();
	const faults = [];
	page.on("pageerror", (e) => faults.push(`error: ${e.message}`));
	page.on("console", (m) => m.type() === "error" && faults.push(`console: ${m.text()}`));
	page.on("dialog", (d) => { faults.push(`dialog: ${d.message()}`); d.dismiss(); });
	await page.addInitScript(() => {
		window.violations = [];
		document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
	});
	// Watched from the start, so that no native dialog opens while a test begins to wait for one.
	page.on("filechooser", () => {});
	await page.goto(url);
	return { page, context, faults };
}

export const rowsShown = (page) => page.locator(".vbody .row[data-id]");
