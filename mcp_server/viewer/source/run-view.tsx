import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { RequestFailed } from "../../../examples/typescript/src/errors.ts";
import { Actions, Problem } from "./actions.tsx";
import { Announcer } from "./announcer.tsx";
import { Artifacts } from "./artifacts.tsx";
import { Deferred } from "./deferred.tsx";
import { Ending } from "./ending.tsx";
import { GateCard } from "./gate-card.tsx";
import { LiveRun } from "./live-run.ts";
import { type Declared, declaredIn } from "./mermaid.ts";
import { inAWord, RunHeader } from "./run-header.tsx";
import { Scrubber } from "./scrubber.tsx";
import type { RunSource } from "./source.ts";
import { Stream } from "./stream.tsx";
import { TimeLine } from "./time-line.tsx";
import { WorkflowGraph } from "./workflow-graph.tsx";
import { titled } from "./wording.ts";

interface RunViewProps {
  readonly source: RunSource;
  readonly runId: string;
  /** Name of the artifact that is shown; empty for none. */
  readonly artifact: string;
  readonly onRefused: () => void;
}

/** One run, live or as it was. */
export function RunView({ source, runId, artifact, onRefused }: RunViewProps): JSX.Element {
  const run = useMemo(() => new LiveRun(source, runId), [source, runId]);
  useEffect(() => {
    void run.follow();
    return () => run.close();
  }, [run]);
  const failure = run.failure.value;
  useEffect(() => {
    if (failure instanceof RequestFailed && failure.status === 401) onRefused();
  }, [failure]);
  const state = run.shown.value;
  const picture = run.cursor.value === null ? run.paced.value : state;
  const declared = useDeclared(source, state.workflow);
  useEffect(() => {
    document.title = picture.workflow === "" ? "Run · Agent workflows" : `${inAWord(picture)} · ${titled(picture.workflow)}`;
  }, [picture]);

  if (failure !== null) return <main class="run failed-to-load"><h1>This run cannot be shown</h1><Problem error={failure} /></main>;
  if (state.seq === 0) return <Loading failing={run.connection.value === "retrying"} />;
  const question = run.cursor.value === null ? state.gates.find((gate) => gate.answer === null) : undefined;
  return (
    <main class="run" data-seq={state.seq} data-status={state.status}>
      <RunHeader run={run} state={state} />
      <Actions run={run} />
      {question === undefined || state.status !== "waiting" ? null : <GateCard gate={question} run={run} asking />}
      {state.end === null ? null : <Ending end={state.end} />}
      <div class="run-pictures">
        <Deferred frames={1}>
          <WorkflowGraph state={picture} declared={declared} />
        </Deferred>
        <Deferred frames={2}>
          <TimeLine run={run} at={run.cursor.value === null ? null : state.time} />
        </Deferred>
      </div>
      <Scrubber run={run} state={state} />
      <div class={artifact === "" ? "run-columns" : "run-columns with-artifact"}>
        <Deferred frames={3}>
          <Stream run={run} state={state} />
        </Deferred>
        <Artifacts run={run} state={state} selected={artifact} />
      </div>
      <Announcer state={run.paced.value} />
    </main>
  );
}

/** The run before its first event is there. */
function Loading({ failing }: { readonly failing: boolean }): JSX.Element {
  return (
    <main class="run" aria-busy="true">
      <h1 class="visually-hidden">Run</h1>
      <p class="hint loading">{failing ? "The run's events cannot be read, trying again …" : "Waiting for the run's events …"}</p>
    </main>
  );
}

/** The workflow's declared graph; null until it is known, or where it is not to be had. */
function useDeclared(source: RunSource, workflow: string): Declared | null {
  const [declared, setDeclared] = useState<Declared | null>(null);
  useEffect(() => {
    if (workflow === "") return undefined;
    let wanted = true;
    void source.graph(workflow).then((text) => wanted && setDeclared(text === null ? null : declaredIn(text)));
    return () => {
      wanted = false;
    };
  }, [source, workflow]);
  return declared;
}
