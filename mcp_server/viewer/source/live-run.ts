import { computed, signal } from "@preact/signals";
import { breathe, PerFrame } from "./frames.ts";
import { History } from "./history.ts";
import { pause } from "./pause.ts";
import type { Connection, RunSource } from "./source.ts";
import { NOTHING, type RunState } from "./state.ts";

/** Milliseconds of work before the browser may draw: a frame has 16, and what is drawn needs some of them. */
const SLICE_MS = 6;

/** Between two drawings of what is drawn now and then. */
const PACE_MS = 250;

/** Between two looks whether somebody has resumed an interrupted run. */
const LOOK_AGAIN_MS = 3000;

/** One run as this page follows it: its history, and the moment that is looked at. */
export class LiveRun {
  readonly runId: string;
  readonly source: RunSource;
  readonly history = new History();

  /** The run after its newest event; changes once per frame at most. */
  readonly head = signal<RunState>(NOTHING);
  /** The same, a few times a second at most: for pictures of the whole run, which nobody reads frame by frame. */
  readonly paced = signal<RunState>(NOTHING);
  /** The event that is looked at; null for the newest one, whichever that is. */
  readonly cursor = signal<number | null>(null);
  readonly connection = signal<Connection>("connecting");
  /** Whether nobody works on the run, although it has not ended: the process that ran it is gone. */
  readonly interrupted = signal(false);
  /** Why the run cannot be followed. */
  readonly failure = signal<Error | null>(null);
  /** The run as it is shown. */
  readonly shown = computed(() => (this.cursor.value === null ? this.head.value : this.history.at(this.cursor.value)));

  readonly #stop = new AbortController();
  readonly #frame = new PerFrame(() => this.#show());
  #pacer: ReturnType<typeof setTimeout> | undefined;
  /** When the newest event came, by this computer's own clock: the server's may be another. */
  #heardAt = performance.now();

  constructor(source: RunSource, runId: string) {
    this.source = source;
    this.runId = runId;
  }

  /** Follow until the run's last event, or until `close`. Never rejects: what goes wrong is in `failure`. */
  async follow(): Promise<void> {
    try {
      while (!this.#stop.signal.aborted) {
        await this.#followOnce();
        if (this.history.head.end !== null) return;
        this.interrupted.value = true;
        await pause(LOOK_AGAIN_MS, this.#stop.signal);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.failure.value = error instanceof Error ? error : new Error(String(error));
    }
  }

  async #followOnce(): Promise<void> {
    const options = {
      after: this.history.length,
      signal: this.#stop.signal,
      onConnection: (connection: Connection) => {
        this.connection.value = connection;
      },
    };
    let sliceEnds = performance.now() + SLICE_MS;
    for await (const event of this.source.follow(this.runId, options)) {
      this.history.append(event);
      this.interrupted.value = false;
      this.#heardAt = performance.now();
      this.#frame.ask();
      if (performance.now() < sliceEnds) continue;
      await breathe();
      sliceEnds = performance.now() + SLICE_MS;
    }
  }

  #show(): void {
    const { head } = this.history;
    this.head.value = head;
    if (head.end !== null || this.paced.value.seq === 0) {
      this.paced.value = head;
      return;
    }
    this.#pacer ??= setTimeout(() => {
      this.#pacer = undefined;
      this.paced.value = this.history.head;
    }, PACE_MS);
  }

  /** The time now, as the server says it; never before the newest event and what has passed here since it came. */
  now(): number {
    const { head } = this.history;
    if (head.end !== null || this.interrupted.value) return head.time;
    return Math.max(head.time + performance.now() - this.#heardAt, this.source.now());
  }

  /** Look at the run after event `seq`; at the newest one, whichever that is, for the last number and beyond. */
  look(seq: number | null): void {
    this.cursor.value = seq === null || seq >= this.history.length ? null : Math.max(1, seq);
  }

  close(): void {
    this.#stop.abort();
  }
}
