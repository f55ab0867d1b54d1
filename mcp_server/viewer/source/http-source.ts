import { RunsClient } from "../../../examples/typescript/src/client.ts";
import { RequestFailed } from "../../../examples/typescript/src/errors.ts";
import type { Runs, RunsAsked } from "./listing.ts";
import type { Action, FollowRun, RunPage, RunRow, RunSource } from "./source.ts";
import type { RunEvent } from "./state.ts";

/** Where the token is kept: for this tab, until it is closed. It is sent as a header and never part of an address. */
const TOKEN = "agent-workflows-token";

export function storeToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** Answers say what time it is to the second: what is less apart than this may be the same. */
const SAME_CLOCK_MS = 1500;

/** Runs that one answer may tell of: as many as the server lets it. */
const MOST_RUNS = 100;

/** Statuses of runs that are not over. */
const LIVE = ["running", "waiting", "queued", "interrupted"];

/** Runs of the server that this page came from. */
export class HttpSource implements RunSource, Runs {
  readonly actions: ReadonlySet<Action["kind"]> = new Set(["cancel", "resume", "steer", "answer", "decline"]);
  readonly #client = new RunsClient("", {
    token: () => sessionStorage.getItem(TOKEN),
    fetch: (...request) => this.#fetched(...request),
  });
  /** By how many milliseconds the server's clock is ahead of this computer's. */
  #ahead = 0;

  async runs({ live = false, before }: RunsAsked, signal: AbortSignal): Promise<RunPage> {
    const query = new URLSearchParams({ limit: String(MOST_RUNS) });
    for (const status of live ? LIVE : []) query.append("status", status);
    if (before !== undefined) query.set("before", before);
    const answer = (await this.#client.get(`/api/runs?${query}`, signal)) as RunList;
    return { rows: answer.runs.map(rowOf), next: answer.next_before };
  }

  async again(row: RunRow, signal: AbortSignal): Promise<RunRow | null> {
    try {
      const run = await this.#client.get(`/api/runs/${encodeURIComponent(row.runId)}/status`, signal);
      return rowOf({ ...(run as Omit<RunListed, "asked">), asked: row.task });
    } catch (error) {
      if (error instanceof RequestFailed && error.status === 404) return null;
      throw error;
    }
  }

  follow(runId: string, options: FollowRun): AsyncIterable<RunEvent> {
    return this.#client.follow(runId, options);
  }

  async act(runId: string, action: Action): Promise<void> {
    const path = `/api/runs/${encodeURIComponent(runId)}`;
    switch (action.kind) {
      case "cancel":
        return this.#client.cancel(runId, "cancelled on the page");
      case "resume":
        return void (await this.#client.post(`${path}/resume`));
      case "steer":
        return void (await this.#client.post(`${path}/steer`, { text: action.text }));
      case "answer":
        return void (await this.#client.post(`${path}/answer`, { gate_id: action.gateId, answer: action.answer }));
      case "decline":
        return void (await this.#client.post(`${path}/answer`, { gate_id: action.gateId, decline: true }));
      default:
        return action satisfies never;
    }
  }

  artifact(runId: string, name: string): Promise<string> {
    return this.#client.artifact(runId, name);
  }

  now(): number {
    return Date.now() + this.#ahead;
  }

  async #fetched(...request: Parameters<typeof fetch>): Promise<Response> {
    const response = await fetch(...request);
    const ahead = Date.parse(response.headers.get("date") ?? "") + 500 - Date.now();
    if (Number.isFinite(ahead)) this.#ahead = Math.abs(ahead) < SAME_CLOCK_MS ? 0 : ahead;
    return response;
  }

  async graph(workflow: string): Promise<string | null> {
    try {
      return await this.#client.text(`/api/workflows/${encodeURIComponent(workflow)}/graph`);
    } catch {
      return null; // a workflow that this server no longer has: the graph is then what the run did
    }
  }
}

interface RunList {
  readonly runs: readonly RunListed[];
  readonly next_before: string | null;
}

interface RunListed {
  readonly run_id: string;
  readonly workflow: string;
  readonly status: string;
  /** The beginning of what it was asked for. */
  readonly asked: string;
  readonly progress: number;
  readonly message: string;
  readonly created_at: string;
  readonly offline: boolean;
  readonly usage: { readonly cost_usd: number | null };
}

function rowOf(run: RunListed): RunRow {
  return {
    runId: run.run_id,
    workflow: run.workflow,
    status: run.status,
    task: run.asked,
    progress: run.progress,
    message: run.message,
    createdAt: Date.parse(run.created_at),
    costUsd: run.usage.cost_usd,
    offline: run.offline,
  };
}
