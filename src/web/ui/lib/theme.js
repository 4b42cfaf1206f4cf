// SPDX-License-Identifier: Apache-2.0
// Light, dark, or what the system says. Loaded before anything else, so that no page flashes in the wrong colours.

const KEPT = "adit-theme";
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

const kept = () => {
	try {
		return localStorage.getItem(KEPT);
	} catch {
		return null;
	}
};

export const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

export function setTheme(theme) {
	if (theme === "light" || theme === "dark") root.dataset.theme = theme;
	else delete root.dataset.theme;
	try {
		if (theme) localStorage.setItem(KEPT, theme);
		else localStorage.removeItem(KEPT);
	} catch {
		// A browser that keeps nothing: the choice lasts as long as the page.
	}
}

export const toggleTheme = () => setTheme(isDark() ? "light" : "dark");

setTheme(kept());
