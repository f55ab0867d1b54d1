import { RunsClient } from "../../../examples/typescript/src/client.ts";
import type { Action, FollowRun, RunRow, RunSource } from "./source.ts";
import type { RunEvent } from "./state.ts";

/** Where the token is kept: for this tab, until it is closed. It is sent as a header and never part of an address. */
const TOKEN = "agent-workflows-token";

export function storeToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** Answers say what time it is to the second: what is less apart than this may be the same. */
const SAME_CLOCK_MS = 1500;

/** Runs of the server that this page came from. */
export class HttpSource implements RunSource {
  readonly actions: ReadonlySet<Action["kind"]> = new Set(["cancel", "resume", "steer", "answer", "decline"]);
  readonly #client = new RunsClient("", {
    token: () => sessionStorage.getItem(TOKEN),
    fetch: (...request) => this.#fetched(...request),
  });
  /** By how many milliseconds the server's clock is ahead of this computer's. */
  #ahead = 0;

  /** The newest runs, newest first. */
  async runs(signal: AbortSignal): Promise<readonly RunRow[]> {
    const answer = (await this.#client.get("/api/runs?limit=100", signal)) as RunList;
    return answer.runs.map(rowOf);
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
