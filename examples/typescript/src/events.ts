// What happens in a run. Generated from the JSON Schema of the events by `npm run types`: do not edit.

/**
 * An entry of a run's log: the same object in the log, over SSE and WebSocket, and in files.
 */
export type RunEvent =
  | WorkflowStarted
  | StageStarted
  | StageCompleted
  | WorkflowEvent
  | SupervisorEvent
  | AgentEvent
  | ReasoningStepTaken
  | TokenStream
  | ToolStart
  | ToolEnd
  | UsageRecorded
  | Heartbeat
  | GateOpened
  | GateAnswered
  | WorkflowResumed
  | WorkflowCompleted
  | WorkflowError
  | WorkflowCancelled;

/**
 * First event of every run.
 */
export interface WorkflowStarted {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "workflow_started";
  /**
   * The workflow's name.
   */
  workflow: string;
  /**
   * Its input as given.
   */
  input: {
    [k: string]: unknown;
  };
  /**
   * The stages it may go through, in their usual order.
   */
  stages: StageInfo[];
  /**
   * True if scripted agents stand in for models.
   */
  offline: boolean;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * A stage as it is announced.
 */
export interface StageInfo {
  name: string;
  title: string;
}
/**
 * A value of the event was cut; the whole of it is an artifact.
 */
export interface Truncation {
  /**
   * Path of the value in the event.
   */
  field: string;
  /**
   * Where the whole value is.
   */
  uri: string;
  /**
   * Its size, as UTF-8.
   */
  bytes: number;
}
/**
 * A stage begins.
 *
 * Nodes of one name that run side by side are one round of their stage: it has one start, with the first of them,
 * and one end, with the last.
 */
export interface StageStarted {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "stage_started";
  /**
   * Its name.
   */
  stage: string;
  /**
   * 1 for the first time, 2 when it is repeated, ...
   */
  round: number;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * A stage is done and will not be done again unless a new round starts.
 */
export interface StageCompleted {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "stage_completed";
  /**
   * Its name.
   */
  stage: string;
  /**
   * As in `StageStarted`.
   */
  round: number;
  /**
   * How long the run was at work in it: waits for a person do not count.
   */
  seconds: number;
  /**
   * What it added to the run's state; where several nodes ran side by side, `branches` has that of each.
   */
  output: {
    [k: string]: unknown;
  };
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * A node of the graph has changed the run's state.
 */
export interface WorkflowEvent {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "workflow_event";
  /**
   * The node's name.
   */
  node: string;
  /**
   * What it returned.
   */
  state_update: {
    [k: string]: unknown;
  };
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * The supervisor looked at the state, decided, or sent somebody off.
 */
export interface SupervisorEvent {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "supervisor_event";
  /**
   * `analysis` (what it sees), `decision` (what it chose and why), `routing` (who goes now).
   */
  event_type: "analysis" | "decision" | "routing";
  /**
   * Why.
   */
  reasoning: string;
  /**
   * 0 to 1, as the supervisor itself states it; None where it states none.
   */
  confidence: number | null;
  /**
   * Who is next; empty in an analysis.
   */
  next_agent: string;
  /**
   * What that agent is told.
   */
  instructions: string;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * An agent thinks, gets on, decides, or has found something.
 */
export interface AgentEvent {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "agent_event";
  /**
   * Who; sub-agents as `codesmith ▸ explore`.
   */
  agent: string;
  /**
   * Which of the four.
   */
  event_type: "think" | "progress" | "decision" | "result";
  /**
   * Further facts; `text` where there is a text.
   */
  details: {
    [k: string]: unknown;
  };
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * One numbered step of an agent that reasons step by step.
 */
export interface ReasoningStepTaken {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "reasoning_step";
  /**
   * Who.
   */
  agent: string;
  /**
   * 1, 2, 3 ...
   */
  step: number;
  /**
   * The step.
   */
  thought: string;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * A piece of live text.
 */
export interface TokenStream {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "token_stream";
  /**
   * Who.
   */
  agent: string;
  /**
   * `text` (the answer) or `thinking`.
   */
  channel: "text" | "thinking";
  /**
   * The piece.
   */
  text: string;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * A tool call begins.
 */
export interface ToolStart {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "tool_start";
  /**
   * Who calls.
   */
  agent: string;
  /**
   * The tool's name.
   */
  tool: string;
  /**
   * Its `ToolEnd` has the same.
   */
  call_id: string;
  /**
   * The arguments.
   */
  input: {
    [k: string]: unknown;
  };
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * A tool call is over.
 */
export interface ToolEnd {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "tool_end";
  /**
   * Who called.
   */
  agent: string;
  /**
   * The tool's name.
   */
  tool: string;
  /**
   * As in `ToolStart`.
   */
  call_id: string;
  /**
   * How long it took.
   */
  seconds: number;
  /**
   * False where it failed or was denied.
   */
  ok: boolean;
  /**
   * What it gave back.
   */
  output: string;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * What was used since the agent's last such event.
 */
export interface UsageRecorded {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "usage";
  /**
   * Who.
   */
  agent: string;
  /**
   * The model's name as its provider gives it.
   */
  model: string;
  /**
   * Tokens read.
   */
  input_tokens: number;
  /**
   * Tokens written.
   */
  output_tokens: number;
  /**
   * US dollars, None if unknown.
   */
  cost_usd: number | null;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * Nothing else was said for a while, and why.
 */
export interface Heartbeat {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "heartbeat";
  /**
   * Who is waited for; empty where no agent works.
   */
  agent: string;
  /**
   * The stage that runs; empty before the first.
   */
  stage: string;
  /**
   * How long it has been quiet.
   */
  seconds: number;
  /**
   * `model`, `tool`, `rate_limit`, `retry`, `person`, `start`, `slot` (too many runs at once), `work` (for nobody else: a stage or an agent is at work without a model or a tool).
   */
  waiting_for: string;
  /**
   * The same in words, for example `rate limited, next try in 8 s`.
   */
  reason: string;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * A person is asked something, and the run waits for the answer.
 */
export interface GateOpened {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "gate_opened";
  /**
   * Unique within the run; its `GateAnswered` has the same.
   */
  gate_id: string;
  /**
   * What is asked, in words.
   */
  question: string;
  /**
   * JSON schema of an answer.
   */
  schema: {
    [k: string]: unknown;
  };
  /**
   * When nobody needs to answer any more (ISO 8601); empty if the question stays open.
   */
  expires_at: string;
  /**
   * True if the run holds nothing while it waits; False if an agent waits in its process.
   */
  parked: boolean;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * A question is settled.
 */
export interface GateAnswered {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "gate_answered";
  /**
   * As in `GateOpened`.
   */
  gate_id: string;
  /**
   * What was answered; None unless the outcome is `accepted`.
   */
  answer: unknown;
  /**
   * Who; empty where the time was over.
   */
  by: string;
  /**
   * See `GateOutcome`.
   */
  outcome: "accepted" | "declined" | "expired";
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * A run goes on after its process was lost, or begins in the middle of what another run had done.
 */
export interface WorkflowResumed {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "workflow_resumed";
  /**
   * Number of the last event that stands. What the stages in `next` have said since then is superseded: they are done again.
   */
  after: number;
  /**
   * The graph's nodes that are done next.
   */
  next: string[];
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * Last event of a run that reached its end.
 */
export interface WorkflowCompleted {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "workflow_completed";
  /**
   * The answer in words.
   */
  final_response: string;
  /**
   * The typed output.
   */
  result: {
    [k: string]: unknown;
  };
  /**
   * `input_tokens`, `output_tokens`, `cost_usd`.
   */
  usage: {
    [k: string]: unknown;
  };
  /**
   * How long the run was at work: waits for a person or a place, and interruptions, do not count.
   */
  seconds: number;
  /**
   * How many tool calls there were.
   */
  tool_calls: number;
  /**
   * How many stages were completed, rounds counted.
   */
  steps: number;
  /**
   * The branch with what it has changed; empty if it has none of its own, or nothing was changed on it.
   */
  branch: string;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * Last event of a run that failed.
 */
export interface WorkflowError {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "workflow_error";
  /**
   * Stable machine name, for example `rate_limited`.
   */
  kind: string;
  /**
   * What happened.
   */
  error: string;
  /**
   * Whose fault: `caller`, `setup`, `provider`, `agent`, `server`.
   */
  blame: string;
  /**
   * What helps, most useful first.
   */
  recovery: string[];
  /**
   * Output of every stage that was finished, by stage; what the agent of a failed stage had said until then, as `unfinished` under the stage's name.
   */
  partial: {
    [k: string]: unknown;
  };
  /**
   * As in `WorkflowCompleted`.
   */
  branch: string;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
/**
 * Last event of a run that somebody ended.
 */
export interface WorkflowCancelled {
  /**
   * The run.
   */
  run_id: string;
  /**
   * 1, 2, 3 ... without a gap.
   */
  seq: number;
  /**
   * When it was appended, in UTC.
   */
  time: string;
  /**
   * One human line.
   */
  message: string;
  /**
   * Never lower than before.
   */
  progress: number;
  type: "workflow_cancelled";
  /**
   * Who.
   */
  by: string;
  /**
   * Why, as far as it was said.
   */
  reason: string;
  /**
   * As in `WorkflowError`.
   */
  partial: {
    [k: string]: unknown;
  };
  /**
   * As in `WorkflowCompleted`.
   */
  branch: string;
  /**
   * What was cut; not there where nothing was.
   */
  truncated?: Truncation[];
}
