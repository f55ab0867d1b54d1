import { AppendList } from "./append-list.ts";
import type { At, Lane, RunState, Span } from "./state.ts";

// The time line: one lane for each agent. What lasts is kept under a key, so that its end finds it.

/** More than one can tell apart; what comes after shares the last one. */
export const MOST_LANES = 40;
export const OTHERS = "others";

/** The lane of an agent: its own, as long as there are not too many. */
export function laneName(state: RunState, agent: string): string {
  if (state.newest.has(agent) || state.lanes.some((lane) => lane.agent === agent)) return agent;
  return Math.max(state.lanes.length, state.newest.size) < MOST_LANES ? agent : OTHERS;
}

/**
 * Something begins. If it is told in the stream, that is the item added last.
 *
 * What was open under the same key is over: nobody could tell the two ends apart.
 */
export function addSpan(before: RunState, agent: string, span: Span, key: string): RunState {
  const state = endSpan(before, key, false);
  const lane = laneOf(state, agent);
  const tools = lane.tools + (span.kind === "tool" ? 1 : 0);
  const open = new Map(state.open).set(key, { lane: lane.agent, span: lane.spans.length, item: state.items.length - 1 });
  return { ...state, open, lanes: withLane(state.lanes, { ...lane, tools, spans: lane.spans.append(span) }) };
}

/** What lasted ends. */
export function endSpan(state: RunState, key: string, ok: boolean): RunState {
  const where = state.open.get(key);
  const lane = state.lanes.find((other) => other.agent === where?.lane);
  const span = where && lane?.spans.at(where.span);
  if (where === undefined || lane === undefined || span === undefined) return state;
  const open = new Map(state.open);
  open.delete(key);
  const failedTools = lane.failedTools + (span.kind === "tool" && !ok ? 1 : 0);
  const spans = lane.spans.replace(where.span, { ...span, end: state.time, ok });
  return { ...state, open, lanes: withLane(state.lanes, { ...lane, failedTools, spans }) };
}

/** Something that takes no time. */
export function mark(state: RunState, agent: string, label: string, at: At): RunState {
  return put(state, agent, { kind: "decision", label, seq: at.seq, start: at.time, end: at.time, ok: true });
}

/** It is quiet until now; one wait is one span, however often it is told. */
export function lengthenWait(state: RunState, agent: string, label: string, since: number, at: At): RunState {
  const lane = laneOf(state, agent);
  const last = lane.spans.at(lane.spans.length - 1);
  if (last?.kind !== "waiting" || (last.end ?? 0) < since) {
    return put(state, agent, { kind: "waiting", label, seq: at.seq, start: since, end: at.time, ok: true });
  }
  const spans = lane.spans.replace(lane.spans.length - 1, { ...last, label, end: at.time });
  return { ...state, lanes: withLane(state.lanes, { ...lane, spans }) };
}

function put(state: RunState, agent: string, span: Span): RunState {
  const lane = laneOf(state, agent);
  return { ...state, lanes: withLane(state.lanes, { ...lane, spans: lane.spans.append(span) }) };
}

function laneOf(state: RunState, agent: string): Lane {
  const name = laneName(state, agent);
  const known = state.lanes.find((lane) => lane.agent === name);
  return known ?? { agent: name, spans: AppendList.empty, tools: 0, failedTools: 0 };
}

function withLane(lanes: readonly Lane[], lane: Lane): readonly Lane[] {
  const index = lanes.findIndex((other) => other.agent === lane.agent);
  return index < 0 ? [...lanes, lane] : lanes.with(index, lane);
}
