import type { RunPage, RunRow } from "./source.ts";

/** Which runs are asked for: all of them, or those that are not over; from the newest one, or from before a time. */
export interface RunsAsked {
  readonly live?: boolean;
  readonly before?: string;
}

/** The runs of a server, page by page. */
export interface Runs {
  runs(asked: RunsAsked, signal: AbortSignal): Promise<RunPage>;
  /** A run as it stands now; null where there is none any more. */
  again(row: RunRow, signal: AbortSignal): Promise<RunRow | null>;
}

const OVER: ReadonlySet<string> = new Set(["completed", "failed", "cancelled"]);
const NO_RUNS: RunPage = { rows: [], next: null };

/** What is shown of a server's runs: the newest, all that are not over, and as many older ones as were asked for. */
export class Listing {
  readonly #source: Runs;
  #rows: ReadonlyMap<string, RunRow> = new Map();
  /** With what older runs are asked for; null where there are none. */
  #before: string | null = null;
  /** Whether older ones were asked for: until then what no page tells is forgotten, and the list stays short. */
  #further = false;
  /** When the newest run of the last look was created. */
  #newest = 0;

  constructor(source: Runs) {
    this.#source = source;
  }

  /** Newest first. */
  get rows(): readonly RunRow[] {
    return [...this.#rows.values()].sort((one, other) => other.createdAt - one.createdAt);
  }

  /** Whether there are older ones. */
  get more(): boolean {
    return this.#before !== null;
  }

  /** Look what is new. */
  async look(signal: AbortSignal): Promise<void> {
    const newest = await this.#source.runs({}, signal);
    // A page that holds all runs holds those that are not over.
    const live = newest.next === null ? NO_RUNS : await this.#source.runs({ live: true }, signal);
    const told = merged(newest.rows, live.rows);
    const ended = await this.#endedSince(told, live, signal);
    // So many runs have come that some are on no page: the list begins anew, as it would have a gap.
    const gap = (newest.rows.at(-1)?.createdAt ?? 0) > this.#newest;
    if (newest.next === null || gap) this.#further = false;
    if (!this.#further) this.#before = newest.next;
    const kept = this.#further ? [...this.#rows.values()].filter((row) => ended.get(row.runId) !== null) : [];
    const changed = kept.map((row) => ended.get(row.runId) ?? row);
    this.#rows = merged([...told.values()], changed);
    this.#newest = newest.rows[0]?.createdAt ?? 0;
  }

  /** Go on with the next older ones. */
  async older(signal: AbortSignal): Promise<void> {
    const before = this.#before;
    if (before === null) return;
    this.#further = true;
    const page = await this.#source.runs({ before }, signal);
    if (before !== this.#before) return; // the list has begun anew meanwhile
    this.#rows = merged([...this.#rows.values()], page.rows);
    this.#before = page.next;
  }

  /** Runs on older pages that were not over and that nobody tells of any more, as they stand now. */
  async #endedSince(told: ReadonlyMap<string, RunRow>, live: RunPage, signal: AbortSignal): Promise<Map<string, RunRow | null>> {
    // Of those before the last one that is told it is not known whether they have ended.
    const since = live.next === null ? 0 : (live.rows.at(-1)?.createdAt ?? 0);
    const ended = new Map<string, RunRow | null>();
    for (const row of this.#further ? this.#rows.values() : []) {
      if (OVER.has(row.status) || told.has(row.runId) || row.createdAt < since) continue;
      ended.set(row.runId, await this.#source.again(row, signal));
    }
    return ended;
  }
}

/** All of them by id, each once and in this order: what comes first is newer. */
function merged(...lists: readonly (readonly RunRow[])[]): ReadonlyMap<string, RunRow> {
  const rows = new Map<string, RunRow>();
  for (const row of lists.flat()) if (!rows.has(row.runId)) rows.set(row.runId, row);
  return rows;
}
