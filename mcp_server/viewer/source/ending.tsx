import type { JSX } from "preact";
import { JsonTree } from "./json-tree.tsx";
import { Markdown } from "./markdown.tsx";
import type { End, Json } from "./state.ts";
import { titled } from "./wording.ts";

/** What came of the run: its answer, or why there is none, what helps, and what was finished before. */
export function Ending({ end }: { readonly end: End }): JSX.Element {
  switch (end.status) {
    case "completed":
      return (
        <section class="panel ending status-completed" aria-labelledby="ending-title">
          <h2 id="ending-title">Answer</h2>
          <Markdown text={end.response} />
          <Branch name={end.branch} />
          <details class="more">
            <summary>The whole result</summary>
            <JsonTree value={end.result} />
          </details>
        </section>
      );
    case "failed":
      return (
        <section class="panel ending status-failed" aria-labelledby="ending-title">
          <h2 id="ending-title">It failed: {titled(end.kind).toLowerCase()}</h2>
          <p class="error-text">{end.error}</p>
          {end.blame === "" ? null : <p class="hint">{BLAME[end.blame] ?? end.blame}</p>}
          {end.recovery.length === 0 ? null : (
            <>
              <h3>What helps</h3>
              <ul class="recovery">{end.recovery.map((line, index) => <li key={index}>{line}</li>)}</ul>
            </>
          )}
          <Branch name={end.branch} />
          <Partial partial={end.partial} />
        </section>
      );
    case "cancelled":
      return (
        <section class="panel ending status-cancelled" aria-labelledby="ending-title">
          <h2 id="ending-title">Cancelled{end.by === "" ? "" : ` by ${end.by}`}</h2>
          {end.reason === "" ? null : <p>{end.reason}</p>}
          <Branch name={end.branch} />
          <Partial partial={end.partial} />
        </section>
      );
    default:
      return end satisfies never;
  }
}

const BLAME: Readonly<Record<string, string>> = {
  caller: "The request was at fault.",
  setup: "The installation is at fault.",
  provider: "The model's provider is at fault.",
  agent: "The agent is at fault.",
  server: "This program is at fault.",
  workflow: "The workflow is at fault.",
};

function Branch({ name }: { readonly name: string }): JSX.Element | null {
  return name === "" ? null : <p class="hint branch">What it changed is on the branch <code>{name}</code></p>;
}

function Partial({ partial }: { readonly partial: Json }): JSX.Element | null {
  if (Object.keys(partial).length === 0) return null;
  return (
    <details class="more">
      <summary>What was finished before</summary>
      <JsonTree value={partial} />
    </details>
  );
}
