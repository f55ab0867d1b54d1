import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useTick } from "./clock.ts";
import { leftInWords, secondsLeft } from "./estimate.ts";
import type { LiveRun } from "./live-run.ts";
import type { RunState } from "./state.ts";
import { StatusChip } from "./status-chip.tsx";
import { asked, count, duration, many, money, titled, whole } from "./wording.ts";

/** What the run is, how far it is, what it took. */
export function RunHeader({ run, state }: { readonly run: LiveRun; readonly state: RunState }): JSX.Element {
  const live = run.head.value.end === null && !run.interrupted.value;
  useTick(500, live);
  const now = run.cursor.value === null ? run.now() : state.time;
  const status = run.interrupted.value && run.cursor.value === null ? "interrupted" : state.status;
  const left = run.cursor.value === null && live ? secondsLeft(state, now) : null;
  const percent = Math.floor(state.progress);
  return (
    <header class="run-header">
      <div class="run-title">
        <h1>{titled(state.workflow) || "Run"}</h1>
        <StatusChip status={status} />
        {state.offline ? <span class="chip offline" title="Scripted agents stood in for models">Offline script</span> : null}
        <Connection run={run} />
      </div>
      <Task text={asked(state.input)} />
      <div class="progress-line">
        <progress class={`progress status-${status}`} max={100} value={state.progress} aria-label="Progress">{percent} %</progress>
        <span class="percent">{percent} %</span>
        {left === null ? null : <span class="hint">{leftInWords(left)}</span>}
      </div>
      <dl class="figures">
        <Figure name="Time" value={duration(Math.max(0, (now - state.startedAt) / 1000))} />
        <Figure name="Cost" value={state.offline ? "none" : money(state.usage.costUsd)} />
        <Figure name="Tool calls" value={String(state.usage.toolCalls)} />
        <Figure name="Events" value={whole(state.seq)} />
        <Figure name="Tokens" value={`${count(state.usage.inputTokens)} in · ${count(state.usage.outputTokens)} out`} />
      </dl>
      {live && run.cursor.value === null ? <Waiting state={state} now={now} /> : null}
    </header>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Characters of a task that are shown before it is opened. */
const SHORT_TASK = 220;

function Task({ text }: { readonly text: string }): JSX.Element | null {
  const [open, setOpen] = useState(false);
  if (text === "") return null;
  const long = text.length > SHORT_TASK;
  return (
    <p class="task">
      {long && !open ? `${text.slice(0, SHORT_TASK)}… ` : `${text} `}
      {long ? (
        <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "less" : "more"}</button>
      ) : null}
    </p>
  );
}

/** Why it is quiet, and for how long it has been. */
function Waiting({ state, now }: { readonly state: RunState; readonly now: number }): JSX.Element | null {
  const { waiting } = state;
  if (waiting === null) return null;
  const who = waiting.agent === "" ? "" : `${titled(waiting.agent)}: `;
  return <p class="waiting-line">{who}{waiting.reason || "waiting"}, {duration((now - waiting.since) / 1000)}</p>;
}

function Connection({ run }: { readonly run: LiveRun }): JSX.Element | null {
  if (run.connection.value !== "retrying" || run.head.value.end !== null || run.interrupted.value) return null;
  return <span class="chip connection" role="status">Connection lost, trying again …</span>;
}

/** A word for screen readers and the tab's title. */
export function inAWord(state: RunState): string {
  const active = state.stages.filter((stage) => stage.status === "active").map((stage) => stage.title);
  const stages = active.length > 0 ? active.join(", ") : many(state.stages.filter((one) => one.status === "done").length, "stage") + " done";
  return `${Math.floor(state.progress)} %, ${stages}`;
}
