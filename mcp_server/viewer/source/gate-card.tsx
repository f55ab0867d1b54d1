import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import { JsonTree } from "./json-tree.tsx";
import type { LiveRun } from "./live-run.ts";
import { Markdown } from "./markdown.tsx";
import { SchemaForm } from "./schema-form.tsx";
import type { Gate } from "./state.ts";

interface GateCardProps {
  readonly gate: Gate | undefined;
  readonly run: LiveRun;
  /** Whether the run waits for an answer, in the state that is shown. */
  readonly asking: boolean;
  /** Whether it stands in the stream: the form is above it then. */
  readonly told?: boolean;
}

/** A question, and a form for its answer; or the answer it got. */
export function GateCard({ gate, run, asking, told = false }: GateCardProps): JSX.Element | null {
  if (gate === undefined) return null;
  const now = !told && run.cursor.value === null && asking && run.source.actions.has("answer");
  return (
    <div class={`gate ${gate.answer === null ? "open" : "answered"}`} role="group" aria-label={told ? "Question in the stream" : "Question"}>
      <div class="gate-question"><Icon name="ask" /><Markdown text={gate.question} /></div>
      {gate.answer === null && now ? (
        <SchemaForm
          id={`gate-${gate.gateId}`}
          schema={gate.schema}
          submit={(answer) => run.source.act(run.runId, { kind: "answer", gateId: gate.gateId, answer })}
          decline={run.source.actions.has("decline") ? () => run.source.act(run.runId, { kind: "decline", gateId: gate.gateId }) : null}
        />
      ) : null}
      {gate.answer === null && gate.expiresAt !== null ? <p class="hint">Until {new Date(gate.expiresAt).toLocaleString()}</p> : null}
      {gate.answer === null && !now ? <p class="hint">{asking ? "It waits for an answer." : "It was not answered."}</p> : null}
      {gate.answer === null ? null : <Settled answer={gate.answer} />}
    </div>
  );
}

function Settled({ answer }: { readonly answer: NonNullable<Gate["answer"]> }): JSX.Element {
  const by = answer.by === "" ? "" : ` by ${answer.by}`;
  switch (answer.outcome) {
    case "accepted":
      return (
        <div class="gate-answer">
          <span class="hint">Answered{by}:</span>
          <JsonTree value={answer.value} />
        </div>
      );
    case "declined":
      return <p class="hint">Declined{by}.</p>;
    case "expired":
      return <p class="hint">Nobody answered in time.</p>;
    default:
      return answer.outcome satisfies never;
  }
}
