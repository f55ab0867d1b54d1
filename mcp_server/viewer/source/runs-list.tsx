import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { RequestFailed } from "../../../examples/typescript/src/errors.ts";
import type { HttpSource } from "./http-source.ts";
import type { RunRow } from "./source.ts";
import { StatusChip } from "./status-chip.tsx";
import { age, money, titled } from "./wording.ts";

const REFRESH_MS = 2500;

interface RunsListProps {
  readonly source: HttpSource;
  /** The run that is shown; empty for none. */
  readonly selected: string;
  readonly onRefused: () => void;
}

/** All runs, newest first. */
export function RunsList({ source, selected, onRefused }: RunsListProps): JSX.Element {
  const { runs, problem } = useRuns(source, onRefused);
  const [wanted, want] = useState("");
  const found = runs?.filter((run) => matches(run, wanted)) ?? [];
  return (
    <nav class="runs" aria-label="Runs">
      <div class="runs-head">
        <h2>Runs</h2>
        <span class="hint">{runs === null ? "" : found.length}</span>
      </div>
      <input
        class="search"
        type="search"
        placeholder="Filter"
        aria-label="Filter runs by workflow, task or status"
        value={wanted}
        onInput={(event) => want(event.currentTarget.value)}
      />
      {problem === "" ? null : <p class="problem" role="alert">{problem}</p>}
      {runs === null && problem === "" ? <p class="hint">Loading …</p> : null}
      {runs?.length === 0 ? <NoRuns /> : null}
      {runs !== null && runs.length > 0 && found.length === 0 ? <p class="hint">No run matches.</p> : null}
      <ul>
        {found.map((run) => (
          <li key={run.runId}>
            <Row run={run} now={source.now()} current={run.runId === selected} />
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Row({ run, now, current }: { readonly run: RunRow; readonly now: number; readonly current: boolean }): JSX.Element {
  const active = run.status === "running" || run.status === "waiting" || run.status === "queued";
  return (
    <a class="run-row" href={`#/runs/${encodeURIComponent(run.runId)}`} aria-current={current ? "page" : undefined}>
      <span class="run-row-top">
        <span class="run-row-workflow">{titled(run.workflow)}</span>
        <StatusChip status={run.status} />
      </span>
      <span class="run-row-task">{run.task || run.message}</span>
      {active ? (
        <span class="run-row-bar" aria-hidden="true">
          <span style={{ width: `${run.progress}%` }} />
        </span>
      ) : null}
      <span class="run-row-facts">
        {active ? <span>{Math.floor(run.progress)} %</span> : null}
        <span>{age((now - run.createdAt) / 1000)}</span>
        <span>{run.offline ? "offline" : money(run.costUsd)}</span>
      </span>
    </a>
  );
}

function NoRuns(): JSX.Element {
  return (
    <div class="empty">
      <p>There are no runs yet.</p>
      <p class="hint">Start one from your MCP client, or in a terminal:</p>
      <pre class="code" tabIndex={0} role="group" aria-label="Command"><code>agent-workflows run build_feature "…"</code></pre>
    </div>
  );
}

function matches(run: RunRow, wanted: string): boolean {
  const text = `${run.workflow} ${titled(run.workflow)} ${run.task} ${run.status} ${run.runId}`.toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The runs, asked for again and again while the page is looked at. */
function useRuns(source: HttpSource, onRefused: () => void): { runs: readonly RunRow[] | null; problem: string } {
  const [runs, setRuns] = useState<readonly RunRow[] | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        if (!document.hidden) {
          setRuns(await source.runs(stop.signal));
          setProblem("");
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        if (error instanceof RequestFailed && error.status === 401) return onRefused();
        setProblem(error instanceof RequestFailed ? error.message : "The server cannot be reached. Trying again …");
      }
      if (!stop.signal.aborted) timer = setTimeout(() => void look(), REFRESH_MS);
    };
    void look();
    const onVisible = (): void => {
      if (document.hidden) return;
      clearTimeout(timer);
      void look();
    };
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [source]);
  return { runs, problem };
}
