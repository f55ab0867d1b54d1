import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { History } from "../source/history.ts";
import { MOST_LANES } from "../source/lanes.ts";
import { reduce } from "../source/reduce.ts";
import { NOTHING, type RunState } from "../source/state.ts";
import { runs, told } from "./events.ts";

function after(events: Parameters<typeof reduce>[1][]): RunState {
  return events.reduce(reduce, NOTHING);
}

/** The state as plain values: lists and maps by what is in them. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return { map: [...value].map(plain) };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (Symbol.iterator in value) return { list: [...(value as Iterable<unknown>)].map(plain) };
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

test("going back to any event shows the run as it stood after it", () => {
  fc.assert(
    fc.property(runs, fc.nat(), (events, place) => {
      const history = new History();
      events.forEach((event) => history.append(event));
      const seq = place % (events.length + 1);

      assert.deepEqual(plain(history.at(seq)), plain(after(events.slice(0, seq))));
    }),
  );
});

test("going back is right beyond the states that are kept, too", () => {
  const events = told(...Array.from({ length: 700 }, (_, n) => ({ type: "token_stream", agent: "a", channel: "text", text: `${n} ` }) as const));
  const history = new History();
  events.forEach((event) => history.append(event));

  for (const seq of [0, 1, 199, 200, 201, 400, 650, 701]) {
    assert.deepEqual(plain(history.at(seq)), plain(after(events.slice(0, seq))));
  }
});

test("a state that was shown never changes afterwards", () => {
  fc.assert(
    fc.property(runs, (events) => {
      const states = [NOTHING];
      const before = [plain(NOTHING)];
      for (const event of frozen(events)) {
        states.push(reduce(states.at(-1) as RunState, event));
        before.push(plain(states.at(-1)));
      }

      assert.deepEqual(states.map(plain), before);
    }),
    { numRuns: 40 },
  );
});

test("a question that an interruption has made void is not waited for", () => {
  const gate = { type: "gate_opened", gate_id: "1", question: "", schema: {}, expires_at: "", parked: false } as const;
  const resumed = { type: "workflow_resumed" as const, after: 1, next: ["work"] };
  const answered = { type: "gate_answered", gate_id: "2", answer: true, by: "", outcome: "accepted" } as const;
  const state = after([...told(gate, resumed, { ...gate, gate_id: "2" }, answered)]);

  assert.equal(state.status, "running");
  assert.deepEqual(state.gates.map((one) => one.gateId), ["2"]);
});

test("the bar and the clock never go back, and items keep their order", () => {
  fc.assert(
    fc.property(runs, (events) => {
      let state = NOTHING;
      for (const event of events) {
        const next = reduce(state, event);
        assert.ok(next.progress >= state.progress);
        assert.ok(next.time >= state.time);
        assert.ok(next.stoodStillMs >= state.stoodStillMs && next.stoodStillMs <= next.time - next.startedAt);
        state = next;
      }

      const seqs = [...state.items].map((item) => item.seq);
      assert.deepEqual(seqs, [...new Set(seqs)].sort((one, other) => one - other));
    }),
  );
});

test("every token and every dollar is counted once, and one unknown price makes the cost unknown", () => {
  fc.assert(
    fc.property(runs, (events) => {
      const used = events.filter((event) => event.type === "usage");
      const { usage } = after([...events]);

      assert.equal(usage.inputTokens, used.reduce((sum, event) => sum + event.input_tokens, 0));
      assert.equal(usage.outputTokens, used.reduce((sum, event) => sum + event.output_tokens, 0));
      assert.equal(usage.costUsd, used.some((event) => event.cost_usd === null) ? null : used.length * 0.25);
      assert.equal(usage.toolCalls, events.filter((event) => event.type === "tool_start").length);
    }),
  );
});

test("everything that was typed is in the stream, in its order", () => {
  fc.assert(
    fc.property(runs, (events) => {
      const typed = (of: string): string =>
        events.map((event) => (event.type === "token_stream" && event.agent === of ? event.text : "")).join("");
      const { items } = after([...events]);

      for (const agent of ["codesmith", "reviewfix"]) {
        const shown = [...items].map((item) => (item.kind === "speech" && item.agent === agent ? item.text : "")).join("");
        assert.equal(shown, typed(agent));
      }
    }),
  );
});

test("nothing lasts after the end", () => {
  fc.assert(
    fc.property(runs, (events) => {
      const last = { run_id: "run", seq: events.length + 1, time: "", message: "", progress: 0, type: "workflow_cancelled", by: "", reason: "", branch: "", partial: {} } as const;
      const state = after([...events, last]);

      assert.equal(state.end?.status, "cancelled");
      assert.equal(state.open.size, 0);
      assert.ok(state.stages.every((stage) => stage.status !== "active"));
      assert.ok(state.lanes.every((lane) => [...lane.spans].every((span) => span.end !== null && span.end >= span.start)));
      assert.ok([...state.items].every((item) => item.kind !== "speech" || !item.open));
    }),
  );
});

test("an event that is missing or comes twice is refused", () => {
  const events = told({ type: "stage_started", stage: "codesmith", round: 1 }, { type: "stage_started", stage: "reviewfix", round: 1 });
  const history = new History();
  history.append(events[0]!);

  assert.throws(() => history.append(events[0]!), RangeError);
  assert.throws(() => history.append(events[2]!), RangeError);
  assert.equal(history.length, 1);
});

test("an event of a type that is not known is a line of the stream", () => {
  const unknown = { ...told()[0], seq: 2, type: "surprise", message: "something new" };

  const state = after([...told(), unknown as never]);

  assert.deepEqual([...state.items].map((item) => item.kind === "note" && item.text), ["something new"]);
});

test("a thought that was typed before is not said again", () => {
  const state = after([
    ...told(
      { type: "token_stream", agent: "codesmith", channel: "thinking", text: "I look " },
      { type: "token_stream", agent: "codesmith", channel: "thinking", text: "first. " },
      { type: "agent_event", agent: "codesmith", event_type: "think", details: { text: "I look first." } },
      { type: "agent_event", agent: "codesmith", event_type: "think", details: { text: "And now?" } },
    ),
  ]);

  assert.deepEqual([...state.items].map((item) => "text" in item && item.text), ["I look first. ", "And now?"]);
});

test("rounds and ways are counted", () => {
  const round = (stage: string, number: number) =>
    [
      { type: "supervisor_event", event_type: "decision", reasoning: "", confidence: 1, next_agent: stage, instructions: "" },
      { type: "stage_started", stage, round: number },
      { type: "stage_completed", stage, round: number, seconds: 2, output: {} },
    ] as const;

  const state = after([...told(...round("codesmith", 1), ...round("reviewfix", 1), ...round("codesmith", 2))]);

  assert.deepEqual(state.stages.map(({ name, round: last, seconds }) => [name, last, seconds]), [["codesmith", 2, 4], ["reviewfix", 1, 2]]);
  assert.equal(state.edges.get("supervisor\ncodesmith"), 2);
  assert.equal(state.edges.get("codesmith\nsupervisor"), 1);
});

test("10,000 events of 100 agents are 10,000 items, and no more lanes than one can tell apart", () => {
  const bodies = Array.from({ length: 10_000 }, (_, n) => ({ type: "agent_event", agent: `agent ${n % 100}`, event_type: "think", details: { text: `${n}` } }) as const);
  const events = told(...bodies);
  const history = new History();

  events.forEach((event) => history.append(event));

  assert.equal(history.head.items.length, 10_000);
  assert.ok([...history.head.newest.keys()].length <= MOST_LANES + 1);
});
