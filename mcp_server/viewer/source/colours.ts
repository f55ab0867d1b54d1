import { signal } from "@preact/signals";

/** Rises whenever the page's colours change, for what is drawn with them and not styled. */
export const colourChanges = signal(0);

const changed = (): void => {
  colourChanges.value += 1;
};

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);

/** Show the page in the colours of what is around it, whatever the person's system prefers. */
export function wear(theme: "light" | "dark"): void {
  document.documentElement.style.setProperty("color-scheme", theme);
  changed();
}
