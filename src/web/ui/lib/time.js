// SPDX-License-Identifier: Apache-2.0
// Times, durations and sizes as people read them. Durations come in microseconds.

const two = (n) => String(n).padStart(2, "0");

export function clock(ms) {
	const d = new Date(ms);
	return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

export function day(ms, now = Date.now()) {
	const d = new Date(ms);
	const midnight = (t) => new Date(t).setHours(0, 0, 0, 0);
	const days = Math.round((midnight(now) - midnight(ms)) / 864e5);
	if (days === 0) return "today";
	if (days === 1) return "yesterday";
	return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

export const full = (ms, now) => `${day(ms, now)} ${clock(ms)}`;
export const short = (ms, now = Date.now()) => (day(ms, now) === "today" ? clock(ms) : `${day(ms, now) === "yesterday" ? "yest." : day(ms, now).slice(5)} ${clock(ms).slice(0, 5)}`);

export function took(us) {
	if (us === null || us === undefined || us < 0) return "runs";
	if (us < 1000) return `${us} µs`;
	if (us < 10000) return `${(us / 1000).toFixed(1)} ms`;
	if (us < 1e6) return `${Math.round(us / 1000)} ms`;
	if (us < 60e6) return `${(us / 1e6).toFixed(1)} s`;
	if (us < 600e6) return `${Math.round(us / 1e6)} s`;
	return span(us / 1000);
}

export function span(ms) {
	const s = Math.max(0, Math.round(ms / 1000));
	if (s < 60) return `${s} s`;
	if (s < 3600) return `${Math.floor(s / 60)} min${s % 60 && s < 600 ? ` ${s % 60} s` : ""}`;
	if (s < 86400) return `${Math.floor(s / 3600)} h${Math.floor((s % 3600) / 60) ? ` ${Math.floor((s % 3600) / 60)} min` : ""}`;
	const d = Math.floor(s / 86400);
	return d === 1 ? "1 day" : `${d} days`;
}

export function size(n) {
	if (n === null || n === undefined) return "-";
	if (n < 1000) return `${n} B`;
	if (n < 999500) return `${(n / 1000).toFixed(n < 99950 ? 1 : 0)} kB`;
	if (n < 999.5e6) return `${(n / 1e6).toFixed(n < 99.95e6 ? 1 : 0)} MB`;
	return `${(n / 1e9).toFixed(1)} GB`;
}

export const number = (n) => Number(n ?? 0).toLocaleString("en");

export const plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
