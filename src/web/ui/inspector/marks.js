// SPDX-License-Identifier: Apache-2.0
// What somebody marked: several requests for an export, and the first of two for a diff.

import { Store } from "../lib/store.js";

export const marks = new Store({ chosen: new Set(), diff: null });

export function choose(id, on) {
	const chosen = new Set(marks.value.chosen);
	if (on ?? !chosen.has(id)) chosen.add(id);
	else chosen.delete(id);
	marks.set({ chosen });
}

export const chooseNone = () => marks.set({ chosen: new Set(), diff: null });
export const markForDiff = (id) => marks.set({ diff: id });
