// SPDX-License-Identifier: Apache-2.0
// Before the first request: what to paste where.

import { html, Icon, Copy, Cmd, say, sayFault } from "../lib/ui.js";
import { State } from "../lib/icons.js";
import { post } from "../lib/api.js";
import { span, took } from "../lib/time.js";
import { go } from "./model.js";

const PLACES = {
	bitbucket: ["Bitbucket", "Repository settings, Webhooks, Add webhook. Paste these two and tick", "Repository push"],
	github: ["GitHub", "Settings, Webhooks, Add webhook. Content type application/json. Paste these two and choose", "Just the push event"],
	gitlab: ["GitLab", "Settings, Webhooks, Add new webhook. Paste these two and tick", "Push events"],
	gitea: ["Gitea", "Settings, Webhooks, Add webhook. Paste these two and choose", "Push events"],
};

const Step = ({ n, done, now, title, children }) => html`<li aria-current=${now ? "step" : undefined}><span class=${`num ${done ? "ok" : now ? "now" : ""}`}>${done ? html`<${Icon} name="delivered" tone="ok" label="done" />` : n}</span><div><h2>${title}</h2>${children}</div></li>`;

export function EmptyPage({ agent }) {
	const t = agent?.tunnels[0];
	if (!agent || !t)
		return html`<main class="page" id="main" tabindex="-1"><h1 class="lead"><b>There is no tunnel.</b> Start one, and its requests appear here.</h1><div class="side"><section class="card"><div class="pad"><${Cmd} text="adit http 8080" /></div></section></div></main>`;
	const online = agent.state === "online";
	const answers = t.state === "online";
	const url = t.url + (t.hook || "/");
	const [name, where, tick] = PLACES[t.provider] ?? ["the sender", "Give it this URL", "the events that you want"];
	const hook = Boolean(PLACES[t.provider]);
	const test = () => post("/v1/send", { tunnel: t.name, method: "POST", target: t.hook || "/", headers: [["Content-Type", "application/json"], ["X-Event-Key", "repo:push"]],
		body: JSON.stringify({ push: { changes: [] }, repository: { full_name: "adit/test" }, actor: { display_name: "adit" } }), sign: Boolean(t.scheme) })
		.then(({ ids }) => { say(`Sent as #${ids[0]}.`); go(`r/${ids[0]}`); }, sayFault);
	const step = !online ? 1 : !answers ? 2 : 3;
	return html`<main class="page" id="main" tabindex="-1"><h1 class="lead"><b>No ${hook ? "webhook" : "request"} has come in yet.</b> ${!online ? "The tunnel does not work yet." : !answers ? "The tunnel works, the local server does not answer." : hook ? `The tunnel works; what is missing is the hook at ${name}. It takes about two minutes.` : "The tunnel works: open its address."}</h1>
		<div class="side"><ol class="card todo" aria-label="What to do next">
		<${Step} n="1" done=${online} now=${step === 1} title=${online ? "The tunnel is online" : "The tunnel is not online"}><p class="two">${online && agent.probe ? `Asked from outside ${span(agent.now_ms - agent.probe.at_ms)} ago: ${new URL(t.url).host} answered in ${took(agent.probe.us)}.` : agent.why}</p></${Step}>
		<${Step} n="2" done=${answers} now=${step === 2} title=${answers ? "The local server answers" : "The local server does not answer"}><p class="two">${answers ? t.us == null ? `${t.origin} is not asked yet.` : `${t.origin} answered ${t.status} in ${took(t.us)}.` : `${t.origin}: ${t.why}. Start it; adit looks again by itself.`}</p></${Step}>
		<${Step} n="3" now=${step === 3} title=${hook ? `Add the hook at ${name}` : "Give the address to the sender"}><p class="two">${where}${hook ? html` <b>${tick}</b>` : ""}.</p>
			<div class="cmdrow"><span class="two">URL</span><div class="cmd"><code tabindex="0">${url}</code><${Copy} text=${url} what="URL" cls=""><${Icon} name="copy" />Copy</${Copy}></div></div>
			${t.scheme && html`<div class="cmdrow"><span class="two">Secret</span><p class="two">the one in the secret file of ${t.name}. It never comes into this page.</p></div>`}
			${t.provider === "bitbucket" && html`<details><summary>Or let adit add it</summary><div class="cmd"><code tabindex="0">adit hook create bitbucket OWNER/REPOSITORY --url ${url} --secret-file secret --token-file token</code><${Copy} text=${`adit hook create bitbucket OWNER/REPOSITORY --url ${url} --secret-file secret --token-file token`} what="command" cls=""><${Icon} name="copy" />Copy</${Copy}></div></details>`}</${Step}>
		<${Step} n="4" title=${hook ? "Push, or send a test" : "Or send a test"}><p class="two">A test is ${t.scheme ? "a signed push" : "a request"} of a repository that does not exist${hook ? ": Jenkins answers 200 and builds nothing" : ""}.</p><button type="button" onClick=${test}>Send a test webhook</button></${Step}></ol>
		<div class="fields1"><section class="card" aria-labelledby="w"><header><h2 id="w">Listening</h2><${State} state="ok" word="live" /></header><div class="pad"><p>The first request appears here by itself. What is refused appears, too, with the reason.</p>
			${t.store && html`<p class="two">While this machine sleeps, the edge answers 202, keeps each webhook on its disk and delivers it later.</p>`}</div></section>
		<section class="card" aria-labelledby="n"><header><h2 id="n">Nothing comes?</h2></header><div class="pad"><p class="two">Doctor walks hook, DNS, TCP, TLS, edge, link, origin and job, and stops where it breaks.</p><div class="acts"><a class="btn" href=${`#/doctor/${encodeURIComponent(t.name)}`}>Run doctor</a></div>
			<${Cmd} text=${`adit doctor ${t.name}`} />${hook && html`<p class="two">${name} says "Invalid URL"? Ask why:</p><${Cmd} text=${`adit check-url ${url}`} />`}</div></section></div></div></main>`;
}
