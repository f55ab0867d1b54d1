import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import type { LiveRun } from "./live-run.ts";
import type { RunState } from "./state.ts";
import { duration } from "./wording.ts";

/** Goes back and forth through the run: the page shows it as it stood after the event that is chosen. */
export function Scrubber({ run, state }: { readonly run: LiveRun; readonly state: RunState }): JSX.Element {
  const last = run.head.value.seq;
  const shown = run.cursor.value ?? last;
  const since = duration(Math.max(0, state.time - state.startedAt) / 1000);
  const live = run.head.value.end === null;
  return (
    <div class="scrubber" role="group" aria-label="Go through the run">
      <button type="button" class="icon-button" aria-label="One event back" disabled={shown <= 1} onClick={() => run.look(shown - 1)}>
        <Icon name="back" />
      </button>
      <input
        type="range"
        min={1}
        max={Math.max(1, last)}
        step={1}
        value={shown}
        aria-label="Event"
        aria-valuetext={`event ${shown} of ${last}, after ${since}`}
        onInput={(event) => run.look(Number(event.currentTarget.value))}
      />
      <button type="button" class="icon-button" aria-label="One event on" disabled={shown >= last} onClick={() => run.look(shown + 1)}>
        <Icon name="next" />
      </button>
      <span class="scrubber-place">
        {run.cursor.value === null ? (live ? "live" : `${last} events`) : `event ${shown} of ${last} · ${since}`}
      </span>
      {run.cursor.value === null ? null : (
        <button type="button" class="small" onClick={() => run.look(null)}>{live ? "Go live" : "To the end"}</button>
      )}
    </div>
  );
}
