// SPDX-License-Identifier: Apache-2.0
// The sink: an origin that is not there. Rules say what it answers; everything is recorded.

import { useState, useEffect } from "../vendor/vendor.js";
import { html, Icon, Fault, Cmd, say, sayFault } from "../lib/ui.js";
import { get, send } from "../lib/api.js";
import { useAsk } from "../lib/store.js";
import { number } from "../lib/time.js";

const NEW = { method: "*", path: "/*", status: 200, delay_ms: 0, headers: [["Content-Type", "text/plain"]], body: "ok", hits: 0 };

const headersText = (list) => (list ?? []).map(([n, v]) => `${n}: ${v}`).join("\n");
const headersOf = (text) => text.split("\n").filter((l) => l.includes(":")).map((l) => {
	const colon = l.indexOf(":");
	return [l.slice(0, colon).trim(), l.slice(colon + 1).trim()];
});

// What is wrong with a rule, in words; nothing where it is right.
export function faultOf(rule) {
	if (!/^(\*|[A-Z]+)$/.test(rule.method)) return "The method is a word in capitals, or * for any.";
	if (!rule.path.startsWith("/")) return "The path begins with /; a * at its end means everything below.";
	if (!(rule.status >= 200 && rule.status <= 599)) return "The status is 200 to 599.";
	if (!(rule.delay_ms >= 0 && rule.delay_ms <= 60000)) return "The delay is at most 60,000 ms.";
	return "";
}

function Rule({ rule, index, count, on, move, drop }) {
	const set = (patch) => on({ ...rule, ...patch });
	const id = (n) => `rule-${index}-${n}`;
	const fault = faultOf(rule);
	return html`<li><div class="acts rule-head"><b>Rule ${index + 1}</b> <span class="q">${number(rule.hits)} answered</span><span class="grow"></span><button type="button" class="plain" disabled=${index === 0} onClick=${() => move(-1)}><${Icon} name="up" label=${`Move rule ${index + 1} up`} /></button>
		<button type="button" class="plain" disabled=${index === count - 1} onClick=${() => move(1)}><${Icon} name="down" label=${`Move rule ${index + 1} down`} /></button><button type="button" class="plain" onClick=${drop}><${Icon} name="x" label=${`Delete rule ${index + 1}`} /></button></div>
		<div class="rule"><div class="field"><label for=${id("m")}>Method</label><input id=${id("m")} type="text" class="m" value=${rule.method} onInput=${(e) => set({ method: e.target.value.toUpperCase() })} /></div>
		<div class="field"><label for=${id("p")}>Path</label><input id=${id("p")} type="text" class="m" spellcheck="false" value=${rule.path} onInput=${(e) => set({ path: e.target.value })} /></div>
		<div class="field"><label for=${id("s")}>Status</label><input id=${id("s")} type="text" inputmode="numeric" class="m" value=${rule.status} onInput=${(e) => set({ status: Number(e.target.value) || 0 })} /></div>
		<div class="field"><label for=${id("d")}>Delay, ms</label><input id=${id("d")} type="text" inputmode="numeric" class="m" value=${rule.delay_ms} onInput=${(e) => set({ delay_ms: Number(e.target.value) || 0 })} /></div>
		<div class="field wide-f"><label for=${id("h")}>Headers</label><textarea id=${id("h")} rows="1" spellcheck="false" placeholder="Content-Type: application/json" value=${headersText(rule.headers)} onChange=${(e) => set({ headers: headersOf(e.target.value) })}></textarea></div>
		<div class="field wide-f"><label for=${id("b")}>Body</label><textarea id=${id("b")} rows="2" spellcheck="false" value=${rule.body} onInput=${(e) => set({ body: e.target.value })}></textarea></div></div>${fault && html`<p class="bad" role="alert">${fault}</p>`}</li>`;
}

export function SinkPage() {
	const { data, error, again } = useAsk((signal) => get("/v1/sink", signal), "sink");
	const [rules, setRules] = useState(null);
	useEffect(() => {
		if (data) setRules(data.rules);
	}, [data]);
	const change = (i, rule) => setRules(rules.map((r, n) => (n === i ? rule : r)));
	const move = (i, by) => {
		const list = [...rules];
		list.splice(i + by, 0, ...list.splice(i, 1));
		setRules(list);
	};
	const wrong = rules?.some(faultOf);
	const same = JSON.stringify(rules) === JSON.stringify(data?.rules);
	const store = () => send("PUT", "/v1/sink", { rules }).then(() => { say("The rules are in use."); again(); }, sayFault);
	return html`<main class="page" id="main" tabindex="-1"><h1 class="lead"><b>The sink answers in place of an origin.</b> ${data ? (data.on ? "It is on: requests are answered by the first rule that fits, and recorded." : "It is off: no tunnel goes to it.") : ""}</h1>
		${error && html`<${Fault} error=${error} again=${again} />`}
		${data && !data.on && html`<section class="card"><div class="pad"><p class="two">To design a hook before there is a program that takes it, let a tunnel end here:</p><${Cmd} text="adit http sink:" /></div></section>`}
		${rules && html`<section class="card" aria-labelledby="sr"><header><h2 id="sr">Rules</h2><span class="q">the first one that fits answers; without one: 200 and no body</span><span class="grow"></span><button type="button" onClick=${() => setRules([...rules, NEW])}>Add a rule</button></header>
			${rules.length ? html`<ol class="rules">${rules.map((r, i) => html`<${Rule} key=${i} rule=${r} index=${i} count=${rules.length} on=${(x) => change(i, x)} move=${(by) => move(i, by)} drop=${() => setRules(rules.filter((_, n) => n !== i))} />`)}</ol>` : html`<p class="pad two">There is no rule.</p>`}
			<div class="pad acts"><button type="button" class="primary" disabled=${same || wrong} onClick=${store}>Use these rules</button><button type="button" disabled=${same} onClick=${() => setRules(data.rules)}>Undo</button></div></section>`}</main>`;
}
