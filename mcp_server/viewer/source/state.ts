import type { Json } from "../../../examples/typescript/src/client.ts";
import type { GateAnswered, RunEvent } from "../../../examples/typescript/src/events.ts";
import { AppendList } from "./append-list.ts";

// What a person sees of a run: a value that `reduce` makes of its events. Times are milliseconds since 1970.

export type Status = "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled" | "interrupted";

export interface Stage {
  readonly name: string;
  readonly title: string;
  readonly status: "ahead" | "active" | "done" | "stopped";
  /** 1 for the first time, 2 when it is repeated; 0 before. */
  readonly round: number;
  /** How long its finished rounds took, together. */
  readonly seconds: number;
  /** When the round that is under way began. */
  readonly since: number | null;
}

/** Something on the time line. */
export interface Span {
  readonly kind: "stage" | "tool" | "waiting" | "gate" | "decision";
  readonly label: string;
  /** Number of the event that began it. */
  readonly seq: number;
  readonly start: number;
  /** Null while it lasts. */
  readonly end: number | null;
  /** False for a tool call that failed, or work that was stopped. */
  readonly ok: boolean;
}

/** What one agent did, in the order in which it began. */
export interface Lane {
  readonly agent: string;
  readonly spans: AppendList<Span>;
  readonly tools: number;
  readonly failedTools: number;
}

/** An event's place in the run. */
export interface At {
  readonly seq: number;
  readonly time: number;
}

/** `seq` is the number of the event that began an item: unique, and rising from item to item. */
type ItemBase = At;

/** What an agent said or thought as it typed. */
export interface SpeechItem extends ItemBase {
  readonly kind: "speech";
  readonly agent: string;
  readonly channel: "text" | "thinking";
  readonly text: string;
  /** Whether the next piece goes here. */
  readonly open: boolean;
}
export interface AgentItem extends ItemBase {
  readonly kind: "agent";
  readonly agent: string;
  readonly what: "think" | "progress" | "decision" | "result";
  readonly text: string;
  readonly details: Json;
  readonly artifact: ArtifactLink | null;
}
export interface StepItem extends ItemBase {
  readonly kind: "step";
  readonly agent: string;
  readonly step: number;
  readonly text: string;
}
export interface ToolItem extends ItemBase {
  readonly kind: "tool";
  readonly agent: string;
  readonly tool: string;
  readonly callId: string;
  readonly label: string;
  readonly input: Json;
  /** Null while it runs. */
  readonly ended: { readonly seconds: number; readonly ok: boolean; readonly output: string } | null;
}
export interface SupervisorItem extends ItemBase {
  readonly kind: "supervisor";
  readonly what: "analysis" | "decision" | "routing";
  readonly reasoning: string;
  readonly confidence: number | null;
  readonly next: string;
  readonly instructions: string;
}
export interface StageItem extends ItemBase {
  readonly kind: "stage";
  readonly stage: string;
  readonly title: string;
  readonly round: number;
  /** Null while it lasts. */
  readonly seconds: number | null;
}
export interface GateItem extends ItemBase {
  readonly kind: "gate";
  readonly gateId: string;
}
/** One line: a resumed run, an event of a type this page does not know. */
export interface NoteItem extends ItemBase {
  readonly kind: "note";
  readonly text: string;
}
export interface EndItem extends ItemBase {
  readonly kind: "end";
  readonly end: End;
}
export type Item =
  | SpeechItem | AgentItem | StepItem | ToolItem | SupervisorItem | StageItem | GateItem | NoteItem | EndItem;

export interface Gate {
  readonly gateId: string;
  readonly question: string;
  readonly schema: Json;
  readonly openedAt: number;
  /** When nobody needs to answer any more; null if it stays open. */
  readonly expiresAt: number | null;
  readonly answer: { readonly value: unknown; readonly by: string; readonly outcome: GateAnswered["outcome"] } | null;
}

export interface ArtifactLink {
  readonly name: string;
  readonly title: string;
  readonly mediaType: string;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars; null if a part of it is unknown. */
  readonly costUsd: number | null;
  readonly toolCalls: number;
}

/** How a run ended. `branch` holds what it has changed; empty if it has none of its own. */
export type End =
  | {
      readonly status: "completed";
      readonly response: string;
      readonly result: Json;
      readonly seconds: number;
      readonly branch: string;
    }
  | {
      readonly status: "failed";
      readonly kind: string;
      readonly error: string;
      readonly blame: string;
      readonly recovery: readonly string[];
      readonly partial: Json;
      readonly branch: string;
    }
  | { readonly status: "cancelled"; readonly by: string; readonly reason: string; readonly partial: Json; readonly branch: string };

/** Where something is that lasts: its lane, its place in there, and its place in the stream. */
export interface Open {
  readonly lane: string;
  readonly span: number;
  readonly item: number;
}

/** Why it is quiet. */
export interface Waiting {
  readonly agent: string;
  readonly waitingFor: string;
  readonly reason: string;
  /** Since when. */
  readonly since: number;
}

export interface RunState {
  readonly runId: string;
  /** Number of the newest event in it; 0 before the first. */
  readonly seq: number;
  readonly workflow: string;
  readonly input: Json;
  readonly offline: boolean;
  readonly status: Status;
  readonly startedAt: number;
  /** For how long nobody worked on it since: it waited for a person or a slot, or the process that ran it was gone. */
  readonly stoodStillMs: number;
  /** When its newest event happened. */
  readonly time: number;
  readonly progress: number;
  readonly message: string;
  readonly stages: readonly Stage[];
  /** Whether a supervisor has spoken. */
  readonly supervised: boolean;
  /** The node that the work left last: a stage that ended, the supervisor, or empty at the start. */
  readonly origin: string;
  /** How often the work went along each edge, as `from\nto`. */
  readonly edges: ReadonlyMap<string, number>;
  readonly lanes: readonly Lane[];
  readonly items: AppendList<Item>;
  /** What lasts: tool calls, stages, questions, by key. */
  readonly open: ReadonlyMap<string, Open>;
  /** Each agent's newest item, by lane. */
  readonly newest: ReadonlyMap<string, number>;
  readonly gates: readonly Gate[];
  readonly artifacts: readonly ArtifactLink[];
  readonly usage: Usage;
  readonly waiting: Waiting | null;
  readonly end: End | null;
}

export const SUPERVISOR = "supervisor";

export const NOTHING: RunState = {
  runId: "",
  seq: 0,
  workflow: "",
  input: {},
  offline: false,
  status: "queued",
  startedAt: 0,
  stoodStillMs: 0,
  time: 0,
  progress: 0,
  message: "",
  stages: [],
  supervised: false,
  origin: "",
  edges: new Map(),
  lanes: [],
  items: AppendList.empty,
  open: new Map(),
  newest: new Map(),
  gates: [],
  artifacts: [],
  usage: { inputTokens: 0, outputTokens: 0, costUsd: 0, toolCalls: 0 },
  waiting: null,
  end: null,
};

export type { Json, RunEvent };
