import type { RunState } from "./state.ts";

/** Below this much there is nothing to reckon with. */
const LEAST_PROGRESS = 8;
const LEAST_SECONDS = 5;

/**
 * Seconds that a run may still take: for how long it was worked on so far, carried on. Null where that would be a guess.
 *
 * It is shown as "about": the bar rises as stages usually take their time, and this run may be another one.
 */
export function secondsLeft(state: RunState, now: number): number | null {
  const took = (now - state.startedAt - state.stoodStillMs) / 1000;
  if (state.status !== "running" || state.progress < LEAST_PROGRESS || state.progress >= 99 || took < LEAST_SECONDS) return null;
  return (took * (100 - state.progress)) / state.progress;
}

/** `about 2 min left`. */
export function leftInWords(seconds: number): string {
  if (seconds < 8) return "a few seconds left";
  if (seconds < 55) return `about ${Math.ceil(seconds / 10) * 10} s left`;
  if (seconds < 3300) return `about ${Math.max(1, Math.round(seconds / 60))} min left`;
  return `about ${Math.round(seconds / 3600)} h left`;
}
