import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { RequestFailed } from "../../../examples/typescript/src/errors.ts";
import type { HttpSource } from "./http-source.ts";
import { Listing } from "./listing.ts";
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

/** The newest runs and all that are not over, newest first; older ones for who asks for them. */
export function RunsList({ source, selected, onRefused }: RunsListProps): JSX.Element {
  const { runs, more, problem, older } = useRuns(source, onRefused);
  const [wanted, want] = useState("");
  const found = runs?.filter((run) => matches(run, wanted)) ?? [];
  return (
    <nav class="runs" aria-label="Runs">
      <div class="runs-head">
        <h2>Runs</h2>
        <span class="hint">{runs === null ? "" : `${found.length}${more ? "+" : ""}`}</span>
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
      {runs !== null && runs.length > 0 && found.length === 0 ? <NoMatch more={more} /> : null}
      <ul>
        {found.map((run) => (
          <li key={run.runId}>
            <Row run={run} now={source.now()} current={run.runId === selected} />
          </li>
        ))}
      </ul>
      {more ? <Older go={older} /> : null}
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

/** The button is never disabled: it would lose the focus of who presses it again and again. */
function Older({ go }: { readonly go: () => Promise<void> }): JSX.Element {
  const [busy, setBusy] = useState(false);
  async function press(): Promise<void> {
    if (busy) return;
    setBusy(true);
    await go();
    setBusy(false);
  }
  return <button type="button" class="small" onClick={() => void press()}>{busy ? "Loading …" : "Older runs"}</button>;
}

function NoMatch({ more }: { readonly more: boolean }): JSX.Element {
  return <p class="hint">{more ? "None of these runs matches; there are older ones." : "No run matches."}</p>;
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

interface Told {
  /** Null until they are known. */
  readonly runs: readonly RunRow[] | null;
  /** Whether there are older ones. */
  readonly more: boolean;
  readonly problem: string;
}

/** The runs, asked for again and again while the page is looked at; `older` goes on with older ones. */
function useRuns(source: HttpSource, onRefused: () => void): Told & { readonly older: () => Promise<void> } {
  const listing = useMemo(() => new Listing(source), [source]);
  const stop = useMemo(() => new AbortController(), [source]);
  const [told, tell] = useState<Told>({ runs: null, more: false, problem: "" });
  async function ask(asking: Promise<void>): Promise<void> {
    try {
      await asking;
      if (!stop.signal.aborted) tell({ runs: listing.rows, more: listing.more, problem: "" });
    } catch (error) {
      if (stop.signal.aborted) return;
      if (error instanceof RequestFailed && error.status === 401) return onRefused();
      const problem = error instanceof RequestFailed ? error.message : "The server cannot be reached. Trying again …";
      tell((before) => ({ ...before, problem }));
    }
  }
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let looking = false;
    const look = async (): Promise<void> => {
      looking = true;
      if (!document.hidden) await ask(listing.look(stop.signal));
      looking = false;
      if (!stop.signal.aborted) timer = setTimeout(() => void look(), REFRESH_MS);
    };
    void look();
    const onVisible = (): void => {
      if (document.hidden || looking) return;
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
  return { ...told, older: () => ask(listing.older(stop.signal)) };
}
