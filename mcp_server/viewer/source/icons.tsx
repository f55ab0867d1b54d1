import type { JSX } from "preact";

const PATHS = {
  think: "M9.5 20h5M10 17h4M12 3a6 6 0 0 0-3.7 10.7c.6.5 1 1.1 1.2 1.8l.1.5h4.8l.1-.5c.2-.7.6-1.3 1.2-1.8A6 6 0 0 0 12 3Z",
  progress: "M12 8v4l3 2M21 12a9 9 0 1 1-9-9",
  decision: "M12 3v3M12 18v3M3 12h3M18 12h3M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z",
  result: "m5 13 4 4L19 7",
  tool: "M14.5 6.5a4 4 0 0 0 5 5l-8 8a2.5 2.5 0 0 1-3.5-3.5l8-8a4 4 0 0 0-1.5-1.5ZM19.5 11.5a4 4 0 0 0 .3-4l-2.3 2.3-2-2 2.3-2.3a4 4 0 0 0-4 .3",
  text: "M4 6h16v10H9l-5 4V6Z",
  wait: "M7 3h10M7 21h10M8 3v3l4 5 4-5V3M8 21v-3l4-5 4 5v3",
  ask: "M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 1.7V14M12 17.5v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  error: "M12 7v6M12 16.5v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  stop: "M7 7h10v10H7z",
  file: "M7 3h7l4 4v14H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1ZM14 3v5h4",
  next: "m9 6 6 6-6 6",
  back: "m15 6-6 6 6 6",
  live: "M12 13a1 1 0 1 0 0-2 1 1 0 0 0 0 2ZM8.5 15.5a5 5 0 0 1 0-7M15.5 8.5a5 5 0 0 1 0 7M5.5 18.5a9 9 0 0 1 0-13M18.5 5.5a9 9 0 0 1 0 13",
  play: "M8 5v14l11-7z",
  pause: "M8 5v14M16 5v14",
  note: "M12 11v6M12 7.5v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside words that say the same; screen readers pass it over. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The page's own sign, as in `icon.svg`. */
export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 32 32" width={26} height={26} aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#3d5afe" />
      <path d="M11.5 10.5 20 8.5M11 13l2.5 7.5M17.5 22l4.5-2M21.5 11.5 23 16" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" />
      <g fill="#fff">
        <circle cx="9" cy="11" r="3" />
        <circle cx="22.5" cy="8.5" r="3" />
        <circle cx="14.5" cy="23" r="3" />
        <circle cx="24" cy="19" r="3" />
      </g>
    </svg>
  );
}
