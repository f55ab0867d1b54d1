import { reduce } from "./reduce.ts";
import { NOTHING, type RunEvent, type RunState } from "./state.ts";

/** Between two states that are kept: going back computes at most this many events, a fraction of a millisecond. */
const KEPT_EVERY = 200;

/** A run's events so far, and the run as it stood after each of them. */
export class History {
  readonly #events: RunEvent[] = [];
  /** When each of them happened; rising, as in the states. */
  readonly #times: number[] = [];
  readonly #kept: RunState[] = [NOTHING];
  #head: RunState = NOTHING;

  /** The run as it stands after the newest event. */
  get head(): RunState {
    return this.#head;
  }

  /** How many events there are; the number of the newest one. */
  get length(): number {
    return this.#events.length;
  }

  /**
   * Add the next event.
   *
   * @throws RangeError It is not the next one: that would be a gap or a repeat.
   */
  append(event: RunEvent): void {
    if (event.seq !== this.#events.length + 1) {
      throw new RangeError(`event ${event.seq} came after event ${this.#events.length}`);
    }
    this.#events.push(event);
    this.#head = reduce(this.#head, event);
    this.#times.push(this.#head.time);
    if (event.seq % KEPT_EVERY === 0) this.#kept.push(this.#head);
  }

  /** The run as it stood after event `seq`; 0 is before the first. */
  at(seq: number): RunState {
    const wanted = Math.max(0, Math.min(Math.floor(seq), this.length));
    if (wanted === this.length) return this.#head;
    const kept = Math.floor(wanted / KEPT_EVERY);
    let state = this.#kept[kept] ?? NOTHING;
    for (const event of this.#events.slice(kept * KEPT_EVERY, wanted)) state = reduce(state, event);
    return state;
  }

  /** Number of the newest event that had happened at a time; 0 if none had. */
  seqAt(time: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
