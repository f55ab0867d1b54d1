import type { Connection } from "../../../examples/typescript/src/client.ts";
import type { Json, RunEvent } from "./state.ts";

/** What a person may do about a run. */
export type Action =
  | { readonly kind: "cancel" }
  | { readonly kind: "resume" }
  | { readonly kind: "steer"; readonly text: string }
  | { readonly kind: "answer"; readonly gateId: string; readonly answer: unknown }
  | { readonly kind: "decline"; readonly gateId: string };

export interface FollowRun {
  /** Number of the last event that is known. */
  readonly after: number;
  readonly signal: AbortSignal;
  readonly onConnection: (connection: Connection) => void;
}

/** Where a run comes from: a server over HTTP, or the host of an MCP App. */
export interface RunSource {
  /** Which actions there are at all. */
  readonly actions: ReadonlySet<Action["kind"]>;
  /**
   * Every event of a run after those that are known, in order, without gap or repeat.
   *
   * Ends after the run's last event, or where nobody works on the run any more.
   */
  follow(runId: string, options: FollowRun): AsyncIterable<RunEvent>;
  /** Do something about a run. Rejects with an error whose message a person can read. */
  act(runId: string, action: Action): Promise<void>;
  /** The text of something a run has made. */
  artifact(runId: string, name: string): Promise<string>;
  /** The time now, in milliseconds since 1970, as near as is known to the clock that the events' times are from. */
  now(): number;
  /** A workflow's graph as Mermaid text; null where it is not to be had. */
  graph(workflow: string): Promise<string | null>;
}

/** A run in the list. */
export interface RunRow {
  readonly runId: string;
  readonly workflow: string;
  readonly status: string;
  readonly task: string;
  readonly progress: number;
  readonly message: string;
  readonly createdAt: number;
  readonly costUsd: number | null;
  readonly offline: boolean;
}

/** Some runs of the list, newest first. */
export interface RunPage {
  readonly rows: readonly RunRow[];
  /** With what older ones are asked for; null where there are none. */
  readonly next: string | null;
}

export type { Connection, Json };
