import type { JSX } from "preact";

const PATHS = {
  think: "M9.5 20h5M10 17h4M12 3a6 6 0 0 0-3.7 10.7c.6.5 1 1.100 1.200 1.800l.1.500h4.800l.1-.500c.200-.700.600-1.300 1.200-1.800A6 6 0 0 0 12 3Z",
  progress: "M12 8v4l3 2M21 12a9 9 0 1 1-9-9",
  decision: "M12 3v3M12 18v3M3 12h3M18 12h3M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z",
  result: "m5 13 4 4L19 7",
  tool: "M14.500 6.500a4 4 0 0 0 5 5l-8 8a2.500 2.500 0 0 1-3.500-3.500l8-8a4 4 0 0 0-1.500-1.500ZM19.500 11.500a4 4 0 0 0 .300-4l-2.300 2.300-2-2 2.300-2.300a4 4 0 0 0-4 .300",
  text: "M4 6h16v10H9l-5 4V6Z",
  wait: "M7 3h10M7 21h10M8 3v3l4 5 4-5V3M8 21v-3l4-5 4 5v3",
  ask: "M9 9a3 3 0 1 1 4.200 2.800c-.800.400-1.200 1-1.200 1.700V14M12 17.500v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  error: "M12 7v6M12 16.500v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  stop: "M7 7h10v10H7z",
  file: "M7 3h7l4 4v14H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1ZM14 3v5h4",
  next: "m9 6 6 6-6 6",
  back: "m15 6-6 6 6 6",
  live: "M12 13a1 1 0 1 0 0-2 1 1 0 0 0 0 2ZM8.500 15.500a5 5 0 0 1 0-7M15.500 8.500a5 5 0 0 1 0 7M5.500 18.500a9 9 0 0 1 0-13M18.500 5.500a9 9 0 0 1 0 13",
  play: "M8 5v14l11-7z",
  pause: "M8 5v14M16 5v14",
  note: "M12 11v6M12 7.500v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
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
