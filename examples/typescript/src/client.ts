import { RequestFailed } from "./errors.ts";
import type { RunEvent } from "./events.ts";
import { messagesOf, type StreamHints } from "./sse.ts";

export type Json = Readonly<Record<string, unknown>>;

/** How the connection of a followed run stands. */
export type Connection = "connecting" | "live" | "retrying";

export interface FollowOptions {
  /** Number of the last event you have; 0 begins at the first. */
  readonly after?: number;
  /** Ends following; the generator then returns. */
  readonly signal?: AbortSignal;
  /** Is told whenever the connection changes. */
  readonly onConnection?: (connection: Connection) => void;
}

export interface ClientOptions {
  /** Bearer token; a function is asked before every request. */
  readonly token?: string | (() => string | null);
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;
/** The server sends at least a comment every 10 s. What is quiet for longer than this is a connection that is dead. */
const LONGEST_SILENCE_MS = 35_000;

const LAST: ReadonlySet<string> = new Set(["workflow_completed", "workflow_error", "workflow_cancelled"]);

/** Whether nothing can come after this event. */
export function isLast(event: RunEvent): boolean {
  return LAST.has(event.type);
}

/** Talks to `agent-workflows serve --http`. */
export class RunsClient {
  readonly #base: string;
  readonly #token: () => string | null;
  readonly #fetch: typeof fetch;

  /** @param base The server, for example `http://127.0.0.1:8000`; in a page of its own, an empty string. */
  constructor(base: string, options: ClientOptions = {}) {
    const { token = null } = options;
    this.#base = base.replace(/\/+$/, "");
    this.#token = typeof token === "function" ? token : () => token;
    this.#fetch = options.fetch ?? ((...request) => fetch(...request));
  }

  /** The JSON that a GET answers. @throws RequestFailed */
  async get(path: string, signal?: AbortSignal): Promise<unknown> {
    return (await this.#answered(path, { signal: signal ?? null })).json();
  }

  /** Post JSON, and the JSON that is answered. @throws RequestFailed */
  async post(path: string, body: Json = {}): Promise<unknown> {
    const headers = { "content-type": "application/json" };
    return (await this.#answered(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  }

  /** The text that a GET answers. @throws RequestFailed */
  async text(path: string): Promise<string> {
    return (await this.#answered(path, {})).text();
  }

  /** The text of something a run has made. @throws RequestFailed */
  async artifact(runId: string, name: string): Promise<string> {
    return this.text(`/api/runs/${encodeURIComponent(runId)}/artifacts/${encodeURIComponent(name)}`);
  }

  /** Start a run. @returns Its id. @throws RequestFailed */
  async start(workflow: string, input: Json, options: Json = {}): Promise<string> {
    const answer = (await this.post("/api/runs", { workflow, input, ...options })) as { readonly run_id: string };
    return answer.run_id;
  }

  /** End a run. @throws RequestFailed */
  async cancel(runId: string, reason = ""): Promise<void> {
    await this.post(`/api/runs/${encodeURIComponent(runId)}/cancel`, reason === "" ? {} : { reason });
  }

  /**
   * Every event of a run, in order, without gap or repeat, up to its last one.
   *
   * A lost connection is made again from the event after the last one received, for as long as it takes: a server that
   * restarts loses no event. Stop with `break` or with the signal. If the run is interrupted (the process that ran it is
   * gone) this ends without a last event; follow again, with `after`, once it has been resumed.
   *
   * @throws RequestFailed The server refuses, in a way that does not pass: no such run, no valid token.
   */
  async *follow(runId: string, options: FollowOptions = {}): AsyncGenerator<RunEvent, void, undefined> {
    const { signal } = options;
    const tell = options.onConnection ?? (() => undefined);
    let after = options.after ?? 0;
    let wait = FIRST_WAIT_MS;
    tell("connecting");
    while (!signal?.aborted) {
      const hints: StreamHints = {};
      try {
        for await (const event of this.#stream(runId, after, hints, () => tell("live"), signal)) {
          if (event === "over") return;
          if (event.seq <= after) continue;
          if (event.seq > after + 1) break; // something is missing: ask again from what we have
          after = event.seq;
          wait = FIRST_WAIT_MS;
          yield event;
          if (isLast(event)) return;
        }
      } catch (error) {
        if (signal?.aborted) return;
        if (error instanceof SyntaxError) throw error; // what came is no JSON: asking again would bring the same
        if (error instanceof RequestFailed && !error.passing) throw error;
        if (error instanceof RequestFailed && error.retryAfter !== undefined) wait = error.retryAfter * 1000;
      }
      if (signal?.aborted) return;
      tell("retrying");
      await pause(Math.max(wait, hints.retry ?? 0), signal);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** One connection's events, and "over" if the server says that there will be no more. */
  async *#stream(
    runId: string,
    after: number,
    hints: StreamHints,
    onOpen: () => void,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<RunEvent | "over", void, undefined> {
    const silence = new Silence(LONGEST_SILENCE_MS, signal);
    try {
      const headers = { accept: "text/event-stream", ...(after > 0 && { "last-event-id": String(after) }) };
      const path = `/api/runs/${encodeURIComponent(runId)}/events`;
      const response = await this.#answered(path, { headers, signal: silence.signal });
      onOpen();
      if (response.status === 204) yield "over"; // everything was told before, and nobody works on the run
      if (response.body === null) return;
      for await (const message of messagesOf(textOf(response.body, () => silence.broken()), hints)) {
        const value = JSON.parse(message.data) as RunEvent | StreamEnd;
        if ("seq" in value) yield value;
        else if (value.reason === "run_interrupted") yield "over";
      }
    } finally {
      silence.end();
    }
  }

  async #answered(path: string, request: RequestInit): Promise<Response> {
    const token = this.#token();
    const headers = new Headers(request.headers);
    if (token !== null && token !== "") headers.set("authorization", `Bearer ${token}`);
    const response = await this.#fetch(this.#base + path, { ...request, headers });
    if (!response.ok) throw await RequestFailed.of(response);
    return response;
  }
}

/** A signal that is given when nothing was heard for too long, or when another one is given. */
class Silence {
  readonly #controller = new AbortController();
  readonly #limit: number;
  readonly #outer: AbortSignal | undefined;
  readonly #stop = (): void => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout>;

  constructor(limit: number, outer: AbortSignal | undefined) {
    this.#limit = limit;
    this.#outer = outer;
    this.#timer = setTimeout(this.#stop, limit);
    outer?.addEventListener("abort", this.#stop);
    if (outer?.aborted) this.#stop();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#stop, this.#limit);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#stop);
    this.#controller.abort(); // closes the connection if it is still open
  }
}

/** Why a stream ends before its run does: the data of a message of the type `stream_end`. */
interface StreamEnd {
  readonly reason: string;
}

async function* textOf(body: ReadableStream<Uint8Array>, heard: () => void): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it may have failed already, which is known
  }
}

/** Waits, with some chance in it so that many clients do not come back at once; ends early at the signal. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds * (0.75 + Math.random() / 2));
    signal?.addEventListener("abort", end);
  });
}
