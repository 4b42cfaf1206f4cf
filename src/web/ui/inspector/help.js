// SPDX-License-Identifier: Apache-2.0
// The keys of this page, as they are bound now, and the words of the filter.

import { html, Dialog } from "../lib/ui.js";
import { bound, shown } from "../lib/keys.js";

const WORDS = [["status:404, status:5xx", "the answer's status"], ["state:parked", "open, answered, failed, refused, queued, sending, retrying, delivered, parked, dropped, dead"], ["is:needs-you", "parked, dead or failed; also waiting, replay, pinned, cut"],
	["repo:acme/web branch:main", "what was pushed"], ["event:repo:push", "the event"], ["from:bitbucket", "the sender's kind"], ["path:/hook method:POST", "the request line"], ["verdict:wrong", "ok, wrong, missing, altered, clock"], ["since:1h", "s, m, h or d"],
	["-branch:main", "not this"], ["\"two words\" cart", "other words are searched in bodies"]];

export function Help({ keys, onClose }) {
	const list = [...new Map(keys.map((k) => [k.what, k])).values()];
	return html`<${Dialog} title="Keys and filters" onClose=${onClose} cls="help"><div class="help-in" tabindex="0" role="region" aria-label="Keys and filters"><section><h3>Keys</h3><table class="kv"><tbody>${list.map((k) => html`<tr key=${k.what}><th scope="row">${k.keys.slice(0, 2).map((x) => html`<kbd key=${x}>${shown(x)}</kbd> `)}</th><td>${k.what}</td></tr>`)}</tbody></table></section>
		<section><h3>Filter</h3><table class="kv"><tbody>${WORDS.map(([w, t]) => html`<tr key=${w}><th scope="row"><code>${w}</code></th><td>${t}</td></tr>`)}</tbody></table></section></div></${Dialog}>`;
}

export { bound };
