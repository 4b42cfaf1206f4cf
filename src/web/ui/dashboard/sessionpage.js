// SPDX-License-Identifier: Apache-2.0
// Nobody has a session here yet: where a link comes from, and a place for one.

import { useState } from "../vendor/vendor.js";
import { html, Cmd } from "../lib/ui.js";
import { app, openSession, takeCode } from "./model.js";
import { useStore } from "../lib/store.js";

export function SessionPage() {
	const why = useStore(app, (v) => v.why);
	const [text, set] = useState("");
	const code = takeCode(text) || (/^[\w-]{43}$/.test(text.trim()) ? text.trim() : "");
	const use = (e) => {
		e.preventDefault();
		if (code) openSession(code);
	};
	return html`<main class="page" id="main" tabindex="-1"><h1 class="lead"><b>The dashboard wants a session.</b> A link from the machine of the edge begins one; it is good once, for a minute.</h1>
		${why && html`<p class="note wait narrow-card" role="alert">${why}</p>`}
		<section class="card narrow-card" aria-labelledby="sl"><header><h2 id="sl">Ask for a link</h2></header><ol class="todo">
			<li><span class="num">1</span><div><p>On the machine of the edge, as a user who may use its control socket:</p><${Cmd} text="aditd dashboard" /><p class="two">For somebody who may only read: <code>aditd dashboard auditor</code>. For one account: <code>aditd dashboard account NAME</code>.</p></div></li>
			<li><span class="num">2</span><div><p>Open the link in this browser, or paste it here.</p>
				<form class="link-form" onSubmit=${use}><div class="field"><label for="link">Link or its code</label><input id="link" type="text" class="m" autocomplete="off" spellcheck="false" value=${text} onInput=${(e) => set(e.target.value)} /></div><button class="primary" type="submit" disabled=${!code}>Begin the session</button></form></div></li></ol></section>
		<p class="q">From another machine: <code>ssh -L 4041:127.0.0.1:4041 EDGE</code>. A session ends after 12 hours, or when nothing was asked for 30 minutes. It lives in this tab alone.</p></main>`;
}
