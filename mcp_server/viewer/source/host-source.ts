import { isLast } from "../../../examples/typescript/src/client.ts";
import type { HostBridge } from "./host-bridge.ts";
import { Patience } from "./patience.ts";
import { pause } from "./pause.ts";
import type { Action, FollowRun, Json, RunSource } from "./source.ts";
import type { RunEvent } from "./state.ts";

/** Between two looks for new events: a host has no way to push them. */
const LOOK_MS = 1000;
/** Looks without news after which the run's status is asked for: perhaps nobody works on it any more. */
const QUIET_LOOKS = 10;

/** A run, through the host of an MCP App: its events are resources, what a person does are calls of tools. */
export class HostSource implements RunSource {
  readonly actions: ReadonlySet<Action["kind"]> = new Set(["cancel", "resume", "steer", "answer", "decline"]);
  readonly #host: Pick<HostBridge, "readText" | "callTool">;
  readonly #wait: typeof pause;

  /** @param wait Waits, in place of the clock. */
  constructor(host: Pick<HostBridge, "readText" | "callTool">, wait: typeof pause = pause) {
    this.#host = host;
    this.#wait = wait;
  }

  /** A read that fails is tried again, from the event after the last one received. @throws Error It fails for good. */
  async *follow(runId: string, options: FollowRun): AsyncGenerator<RunEvent, void, undefined> {
    const { signal, onConnection } = options;
    const patience = new Patience(this.#wait);
    let { after } = options;
    let quiet = 0;
    while (!signal.aborted) {
      let events: readonly RunEvent[];
      try {
        events = await this.#events(runId, after);
        quiet = events.length === 0 ? quiet + 1 : 0;
        if (quiet >= QUIET_LOOKS && (await this.#interrupted(runId))) return;
      } catch (error) {
        if (signal.aborted) return;
        onConnection("retrying");
        await patience.failed(error, signal);
        continue;
      }
      patience.succeeded();
      onConnection("live");
      for (const event of events) {
        if (event.seq !== after + 1) continue;
        after = event.seq;
        yield event;
        if (isLast(event)) return;
      }
      if (events.length === 0) await this.#wait(LOOK_MS, signal);
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

  async #events(runId: string, after: number): Promise<readonly RunEvent[]> {
    const text = await this.#host.readText(`runs://${runId}/events?after=${after}`);
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as RunEvent);
  }

  async #interrupted(runId: string): Promise<boolean> {
    const run = JSON.parse(await this.#host.readText(`runs://${runId}`)) as { readonly status: string };
    return run.status === "interrupted";
  }
}
