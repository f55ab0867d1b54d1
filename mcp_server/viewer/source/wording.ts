// Words and figures for people.

const WHOLE = new Intl.NumberFormat("en");

/** `10,000`. */
export function whole(number: number): string {
  return WHOLE.format(number);
}

/** `<0.1 s`, `1.2 s`, `42 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (!(seconds > 0)) return "0 s";
  if (seconds < 0.05) return "<0.1 s";
  if (seconds < 9.95) return `${seconds.toFixed(1).replace(/\.0$/, "")} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `4 s ago`, `12 min ago`, `3 h ago`, `5 days ago`. */
export function age(seconds: number): string {
  if (seconds < 2) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86_400);
  return days === 1 ? "1 day ago" : `${days} days ago`;
}

/** `$0.12`; `<$0.01` for less than a cent; `cost unknown` where a part of it is. */
export function money(usd: number | null): string {
  if (usd === null) return "cost unknown";
  return usd > 0 && usd < 0.005 ? "<$0.01" : `$${usd.toFixed(2)}`;
}

/** `950`, `1.2 k`, `34 k`, `1.2 M`. */
export function count(number: number): string {
  if (number < 1000) return String(number);
  if (number < 9950) return `${(number / 1000).toFixed(1)} k`;
  if (number < 999_500) return `${Math.round(number / 1000)} k`;
  return `${(number / 1e6).toFixed(1)} M`;
}

export function bytes(number: number): string {
  return number < 1000 ? `${number} B` : number < 1e6 ? `${(number / 1000).toFixed(1)} kB` : `${(number / 1e6).toFixed(1)} MB`;
}

/** `2 tool calls`. */
export function many(number: number, one: string, more = `${one}s`): string {
  return `${number} ${number === 1 ? one : more}`;
}

/** A text in an object; empty where there is none. */
export function textIn(object: Readonly<Record<string, unknown>>, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

/** The first text of a run's input: what it was asked for. */
export function asked(input: Readonly<Record<string, unknown>>): string {
  return Object.values(input).find((value): value is string => typeof value === "string" && value.trim() !== "") ?? "";
}

/** `changes_requested` as `Changes requested`. */
export function titled(name: string): string {
  const words = name.replaceAll(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
