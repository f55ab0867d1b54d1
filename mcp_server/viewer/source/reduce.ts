import { addItem, changeOpen, closeSpeech, closeSpeechIn, say, type } from "./items.ts";
import { addSpan, endSpan, lengthenWait, mark } from "./lanes.ts";
import { type At, type End, type RunEvent, type RunState, type Stage, SUPERVISOR } from "./state.ts";

/**
 * The run as it stood after an event, given how it stood before. Pure: it changes nothing, and asks nobody for the time.
 *
 * An event of a type that this page does not know becomes a line of the stream: a newer server may say more.
 */
export function reduce(before: RunState, event: RunEvent): RunState {
  const time = timeOf(event, before.time);
  const state: RunState = {
    ...before,
    runId: event.run_id,
    seq: event.seq,
    time,
    startedAt: before.seq === 0 ? time : before.startedAt,
    stoodStillMs: before.stoodStillMs + (stoodStill(before, event) ? time - before.time : 0),
    progress: Math.max(before.progress, event.progress),
    message: event.message,
    // A heartbeat says that it is quiet; whatever else comes, it no longer is.
    waiting: event.type === "heartbeat" ? before.waiting : null,
    status: before.status === "queued" && event.type !== "heartbeat" ? "running" : before.status,
  };
  const at = { seq: event.seq, time };
  switch (event.type) {
    case "workflow_started":
      return {
        ...state,
        workflow: event.workflow,
        input: event.input,
        offline: event.offline === true,
        stages: event.stages.map((stage) => ({ ...AHEAD, name: stage.name, title: stage.title })),
      };
    case "stage_started":
      return stageStarted(state, event.stage, event.round, at);
    case "stage_completed":
      return stageCompleted(state, event.stage, event.round, event.seconds);
    case "workflow_event":
      return state; // what changed is in the events of whoever changed it
    case "supervisor_event": {
      const { reasoning, confidence, next_agent: next, instructions } = event;
      const item = { kind: "supervisor", ...at, what: event.event_type, reasoning, confidence, next, instructions } as const;
      const moved = state.origin === SUPERVISOR ? state : { ...along(state, SUPERVISOR), origin: SUPERVISOR };
      const told = event.event_type === "routing" && next === decidedFor(state) ? moved : addItem(moved, item);
      return event.event_type === "decision" ? mark({ ...told, supervised: true }, SUPERVISOR, next, at) : { ...told, supervised: true };
    }
    case "agent_event":
      return say(state, event, at);
    case "reasoning_step":
      return addItem(state, { kind: "step", ...at, agent: event.agent, step: event.step, text: event.thought });
    case "token_stream":
      return type(state, event, at);
    case "tool_start": {
      const { agent, tool, call_id: callId, input } = event;
      const label = labelIn(event.message, agent) || tool;
      const counted = { ...state, usage: { ...state.usage, toolCalls: state.usage.toolCalls + 1 } };
      const told = addItem(counted, { kind: "tool", ...at, agent, tool, callId, label, input, ended: null });
      return addSpan(told, agent, { kind: "tool", label, seq: at.seq, start: time, end: null, ok: true }, toolKey(agent, callId));
    }
    case "tool_end": {
      const { seconds, ok, output } = event;
      const key = toolKey(event.agent, event.call_id);
      const done = changeOpen(state, key, (item) => (item.kind === "tool" ? { ...item, ended: { seconds, ok, output } } : item));
      return endSpan(done, key, ok);
    }
    case "usage": {
      const { usage } = state;
      const costUsd = usage.costUsd === null || event.cost_usd === null ? null : usage.costUsd + event.cost_usd;
      const inputTokens = usage.inputTokens + event.input_tokens;
      return { ...state, usage: { ...usage, costUsd, inputTokens, outputTokens: usage.outputTokens + event.output_tokens } };
    }
    case "heartbeat": {
      const { agent, waiting_for: waitingFor, reason } = event;
      const since = time - event.seconds * 1000;
      const status = waitingFor === "slot" ? "queued" : state.status === "queued" && state.seq > 1 ? "running" : state.status;
      const waited = { ...state, status, waiting: { agent, waitingFor, reason, since } };
      return agent === "" ? waited : lengthenWait(waited, agent, reason, Math.max(since, state.startedAt), at);
    }
    case "gate_opened": {
      const { gate_id: gateId, question, schema } = event;
      const expires = Date.parse(event.expires_at);
      const expiresAt = Number.isFinite(expires) ? expires : null;
      const gate = { gateId, question, schema, openedAt: time, expiresAt, answer: null };
      const asked: RunState = { ...state, status: "waiting", gates: [...state.gates.filter((other) => other.gateId !== gateId), gate] };
      const span = { kind: "gate", label: question, seq: at.seq, start: time, end: null, ok: true } as const;
      return addSpan(addItem(asked, { kind: "gate", ...at, gateId }), state.origin || "workflow", span, gateKey(gateId));
    }
    case "gate_answered": {
      const answer = { value: event.answer, by: event.by, outcome: event.outcome };
      const gates = state.gates.map((gate) => (gate.gateId === event.gate_id ? { ...gate, answer } : gate));
      const open = gates.some((gate) => gate.answer === null);
      return endSpan({ ...state, gates, status: open ? "waiting" : "running" }, gateKey(event.gate_id), true);
    }
    case "workflow_resumed": {
      // What was asked in the part that is done again is void; it is asked anew, under another number.
      const gates = state.gates.filter((gate) => gate.answer !== null);
      return addItem(stopped({ ...state, gates, status: "running" }), { kind: "note", ...at, text: event.message });
    }
    case "workflow_completed": {
      const { final_response: response, result, seconds } = event;
      return ended(state, { status: "completed", response, result, seconds, branch: branchOf(event) }, at);
    }
    case "workflow_error": {
      const { kind, error, recovery, partial } = event;
      const end = { kind, error, blame: event.blame ?? "", recovery, partial, branch: branchOf(event) };
      return ended(state, { status: "failed", ...end }, at);
    }
    case "workflow_cancelled": {
      const { by, reason, partial } = event;
      return ended(state, { status: "cancelled", by, reason, partial, branch: branchOf(event) }, at);
    }
    default: {
      event satisfies never;
      return addItem(state, { kind: "note", ...at, text: state.message });
    }
  }
}

const AHEAD = { status: "ahead", round: 0, seconds: 0, since: null } as const;

/** An event's time; that of the event before where it cannot be read, or where the clock was put back. */
function timeOf(event: RunEvent, before: number): number {
  const time = Date.parse(event.time);
  return Number.isFinite(time) ? Math.max(time, before) : before;
}

/** Whether nobody worked on the run between the event before and this one; the server's log says it in the same way. */
function stoodStill(before: RunState, event: RunEvent): boolean {
  if (before.seq === 0) return false;
  if (before.status === "waiting" || event.type === "gate_answered" || event.type === "workflow_resumed") return true;
  // A run's own heartbeat, of no agent, is the first word of a process that takes it up: it waits for a slot, or starts.
  return event.type === "heartbeat" && event.agent === "" && (event.waiting_for === "slot" || event.waiting_for === "start");
}

function stageStarted(state: RunState, name: string, round: number, at: At): RunState {
  const known = state.stages.find((stage) => stage.name === name);
  const stage: Stage = { ...(known ?? { ...AHEAD, name, title: name }), status: "active", round, since: at.time };
  const stages = known ? state.stages.map((other) => (other === known ? stage : other)) : [...state.stages, stage];
  const item = { kind: "stage", ...at, stage: name, title: stage.title, round, seconds: null } as const;
  const told = addItem(along({ ...state, stages }, name), item);
  const label = round > 1 ? `${stage.title}, round ${round}` : stage.title;
  return addSpan(told, name, { kind: "stage", label, seq: at.seq, start: at.time, end: null, ok: true }, stageKey(name));
}

function stageCompleted(state: RunState, name: string, round: number, seconds: number): RunState {
  const stages = state.stages.map((stage): Stage =>
    stage.name === name ? { ...stage, status: "done", round, seconds: stage.seconds + seconds, since: null } : stage,
  );
  const closed = closeSpeechIn({ ...state, stages, origin: name }, name);
  const timed = changeOpen(closed, stageKey(name), (item) => (item.kind === "stage" ? { ...item, seconds } : item));
  return endSpan(timed, stageKey(name), true);
}

function stageKey(name: string): string {
  return `stage\n${name}`;
}

function toolKey(agent: string, callId: string): string {
  return `tool\n${agent}\n${callId}`;
}

function gateKey(gateId: string): string {
  return `gate\n${gateId}`;
}

/** For whom the supervisor has just decided: sending it off is then no news. */
function decidedFor(state: RunState): string {
  const last = state.items.at(state.items.length - 1);
  return last?.kind === "supervisor" && last.what === "decision" ? last.next : "";
}

/** The work went from where it was last to a node. */
function along(state: RunState, to: string): RunState {
  const edge = `${state.origin}\n${to}`;
  return { ...state, edges: new Map(state.edges).set(edge, (state.edges.get(edge) ?? 0) + 1) };
}

/** What a tool call is about: the server's words for it, which give paths as the workspace has them. */
function labelIn(message: string, agent: string): string {
  const who = `${agent}: `;
  return message.startsWith(who) ? message.slice(who.length) : message;
}

/** Nothing is at work any more. */
function stopped(state: RunState): RunState {
  const stages = state.stages.map((stage): Stage =>
    stage.status === "active" ? { ...stage, status: "stopped", since: null } : stage,
  );
  const silent = closeSpeech({ ...state, stages });
  return [...silent.open.keys()].reduce((before, key) => endSpan(before, key, false), silent);
}

function ended(state: RunState, end: End, at: At): RunState {
  const over: RunState = { ...stopped(state), status: end.status, end };
  return addItem(over, { kind: "end", ...at, end });
}

/** Runs of earlier versions did not say it. */
function branchOf(event: { readonly branch?: string }): string {
  return event.branch ?? "";
}
