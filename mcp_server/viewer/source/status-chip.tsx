import type { JSX } from "preact";

const WORDS: Readonly<Record<string, string>> = {
  queued: "Queued",
  running: "Running",
  waiting: "Needs an answer",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
  interrupted: "Interrupted",
};

export function StatusChip({ status }: { readonly status: string }): JSX.Element {
  return (
    <span class={`chip status-${status}`}>
      <span class="chip-dot" />
      {WORDS[status] ?? status}
    </span>
  );
}
