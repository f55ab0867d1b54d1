import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import { JsonTree } from "./json-tree.tsx";
import type { LiveRun } from "./live-run.ts";
import { SchemaForm } from "./schema-form.tsx";
import type { Gate } from "./state.ts";

interface GateCardProps {
  readonly gate: Gate | undefined;
  readonly run: LiveRun;
  /** Whether the run waits for an answer, in the state that is shown. */
  readonly asking: boolean;
}

/** A question, and a form for its answer; or the answer it got. */
export function GateCard({ gate, run, asking }: GateCardProps): JSX.Element | null {
  if (gate === undefined) return null;
  const now = run.cursor.value === null && asking && run.source.actions.has("answer");
  return (
    <section class={`gate ${gate.answer === null ? "open" : "answered"}`} aria-label="Question">
      <p class="gate-question"><Icon name="ask" />{gate.question}</p>
      {gate.answer === null && now ? (
        <SchemaForm
          id={`gate-${gate.gateId}`}
          schema={gate.schema}
          submit={(answer) => run.source.act(run.runId, { kind: "answer", gateId: gate.gateId, answer })}
        />
      ) : null}
      {gate.answer === null && !now ? <p class="hint">{asking ? "It waits for an answer." : "It was not answered."}</p> : null}
      {gate.answer === null ? null : (
        <div class="gate-answer">
          <span class="hint">Answered{gate.answer.by === "" ? "" : ` by ${gate.answer.by}`}:</span>
          <JsonTree value={gate.answer.value} />
        </div>
      )}
    </section>
  );
}
