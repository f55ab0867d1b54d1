import fc from "fast-check";
import type { RunEvent } from "../../../examples/typescript/src/events.ts";

// Runs as a careless server might tell them: any event at any time, from few agents and stages, so that they meet.

type Body = RunEvent extends infer One ? (One extends RunEvent ? Omit<One, "run_id" | "seq" | "time" | "message" | "progress"> : never) : never;

const agent = fc.constantFrom("supervisor", "codesmith", "reviewfix", "codesmith ▸ explore", "");
const stage = fc.constantFrom("codesmith", "reviewfix", "surprise");
const text = fc.string({ maxLength: 20 });
const few = fc.constantFrom("1", "2", "3");
const tokens = fc.nat(1000);
const seconds = fc.double({ min: 0, max: 100, noNaN: true });
const details = fc.oneof(
  fc.record({ text }),
  fc.record({ text, artifact: few, media_type: fc.constant("text/markdown") }),
  fc.constant({}),
);

const body: fc.Arbitrary<Body> = fc.oneof(
  fc.record({ type: fc.constant("stage_started" as const), stage, round: fc.nat(3) }),
  fc.record({ type: fc.constant("stage_completed" as const), stage, round: fc.nat(3), seconds, output: fc.constant({}) }),
  fc.record({ type: fc.constant("workflow_event" as const), node: stage, state_update: fc.constant({}) }),
  fc.record({
    type: fc.constant("supervisor_event" as const),
    event_type: fc.constantFrom("analysis" as const, "decision" as const, "routing" as const),
    reasoning: text,
    confidence: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    next_agent: fc.oneof(stage, fc.constant("")),
    instructions: text,
  }),
  fc.record({
    type: fc.constant("agent_event" as const),
    agent,
    event_type: fc.constantFrom("think" as const, "progress" as const, "decision" as const, "result" as const),
    details,
  }),
  fc.record({ type: fc.constant("reasoning_step" as const), agent, step: fc.nat(9), thought: text }),
  fc.record({ type: fc.constant("token_stream" as const), agent, channel: fc.constantFrom("text" as const, "thinking" as const), text }),
  fc.record({ type: fc.constant("tool_start" as const), agent, tool: few, call_id: few, input: fc.constant({}) }),
  fc.record({ type: fc.constant("tool_end" as const), agent, tool: few, call_id: few, seconds, ok: fc.boolean(), output: text }),
  fc.record({
    type: fc.constant("usage" as const),
    agent,
    model: text,
    input_tokens: tokens,
    output_tokens: tokens,
    cost_usd: fc.option(fc.constant(0.25), { freq: 9 }),
  }),
  fc.record({ type: fc.constant("heartbeat" as const), agent, stage, seconds, waiting_for: fc.constantFrom("model", "slot", "start"), reason: text }),
  fc.record({
    type: fc.constant("gate_opened" as const),
    gate_id: few,
    question: text,
    schema: fc.constant({}),
    expires_at: fc.constant(""),
    parked: fc.boolean(),
  }),
  fc.record({ type: fc.constant("gate_answered" as const), gate_id: few, answer: text, by: text, outcome: fc.constant("accepted" as const) }),
  fc.record({ type: fc.constant("workflow_resumed" as const), after: fc.nat(9), next: fc.array(stage, { maxLength: 2 }) }),
);

const opening: Body = {
  type: "workflow_started",
  workflow: "build_feature",
  input: { task: "a task" },
  stages: [
    { name: "codesmith", title: "Code" },
    { name: "reviewfix", title: "Review" },
  ],
  offline: false,
};

/** Events of one run: the first says what it is, the clock may stand still or go back, progress may too. */
export const runs: fc.Arbitrary<readonly RunEvent[]> = fc
  .array(fc.tuple(body, fc.integer({ min: -500, max: 5000 }), fc.nat(100)), { maxLength: 60 })
  .map((told) => numbered([opening, ...told.map(([one]) => one)], told.map(([, pause]) => pause), told.map(([, , at]) => at)));

function numbered(bodies: readonly Body[], pauses: readonly number[], progress: readonly number[]): readonly RunEvent[] {
  let time = Date.UTC(2026, 10, 21, 12);
  return bodies.map((one, index) => {
    time += index === 0 ? 0 : (pauses[index - 1] ?? 0);
    const entry = { run_id: "run", seq: index + 1, time: new Date(time).toISOString(), message: `event ${index + 1}` };
    return { ...entry, progress: progress[index - 1] ?? 0, ...one } as RunEvent;
  });
}

/** Events of a run that says exactly this, a second apart. */
export function told(...bodies: readonly Body[]): readonly RunEvent[] {
  return numbered([opening, ...bodies], bodies.map(() => 1000), bodies.map((_, index) => index));
}

/** What a run says, and how many seconds after what it said before. */
export type Said = readonly [seconds: number, body: Body];

/** Events of a run that says exactly this at those times. */
export function toldAfter(...told: readonly Said[]): readonly RunEvent[] {
  return numbered([opening, ...told.map(([, body]) => body)], told.map(([seconds]) => seconds * 1000), told.map(() => 50));
}
