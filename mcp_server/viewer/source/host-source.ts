import { isLast } from "../../../examples/typescript/src/client.ts";
import type { HostBridge } from "./host-bridge.ts";
import type { Action, FollowRun, Json, RunSource } from "./source.ts";
import type { RunEvent } from "./state.ts";

/** Between two looks for new events: a host has no way to push them. */
const LOOK_MS = 1000;
/** Looks without news after which the run's status is asked for: perhaps nobody works on it any more. */
const QUIET_LOOKS = 10;

/** A run, through the host of an MCP App: its events are resources, what a person does are calls of tools. */
export class HostSource implements RunSource {
  readonly actions: ReadonlySet<Action["kind"]> = new Set(["cancel", "resume", "steer", "answer", "decline"]);
  readonly #host: HostBridge;

  constructor(host: HostBridge) {
    this.#host = host;
  }

  async *follow(runId: string, options: FollowRun): AsyncGenerator<RunEvent, void, undefined> {
    let { after } = options;
    let quiet = 0;
    while (!options.signal.aborted) {
      const text = await this.#host.readText(`runs://${runId}/events?after=${after}`);
      options.onConnection("live");
      const lines = text.split("\n").filter((line) => line !== "");
      for (const event of lines.map((line) => JSON.parse(line) as RunEvent)) {
        if (event.seq !== after + 1) continue;
        after = event.seq;
        yield event;
        if (isLast(event)) return;
      }
      quiet = lines.length === 0 ? quiet + 1 : 0;
      if (quiet >= QUIET_LOOKS && (await this.#interrupted(runId))) return;
      if (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async act(runId: string, action: Action): Promise<void> {
    switch (action.kind) {
      case "cancel":
        return void (await this.#host.callTool("cancel_run", { run_id: runId }));
      case "resume":
        return void (await this.#host.callTool("resume_run", { run_id: runId, wait_seconds: 0 }));
      case "steer":
        return void (await this.#host.callTool("steer_run", { run_id: runId, text: action.text }));
      case "answer":
        return this.#answer(runId, action.gateId, { answer: action.answer });
      case "decline":
        return this.#answer(runId, action.gateId, { outcome: "declined" });
      default:
        return action satisfies never;
    }
  }

  artifact(runId: string, name: string): Promise<string> {
    return this.#host.readText(`runs://${runId}/artifacts/${encodeURIComponent(name)}`);
  }

  /** The host runs the server, nearly always on the same computer. */
  now(): number {
    return Date.now();
  }

  async graph(workflow: string): Promise<string | null> {
    try {
      return await this.#host.readText(`workflows://${workflow}/graph`);
    } catch {
      return null; // a host that passes no resources on: the graph is then what the run did
    }
  }

  async #answer(runId: string, gateId: string, answer: Json): Promise<void> {
    await this.#host.callTool("answer_run", { run_id: runId, gate_id: gateId, wait_seconds: 0, ...answer });
  }

  async #interrupted(runId: string): Promise<boolean> {
    const run = JSON.parse(await this.#host.readText(`runs://${runId}`)) as { readonly status: string };
    return run.status === "interrupted";
  }
}
