import { pause } from "./pause.ts";

/** The waits of the TypeScript client: a lost connection is the same to a person, whichever it is. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

/** Failures in a row that are borne: five minutes of refusals, an hour where the host does not answer at all. */
export const MOST_FAILURES = 60;

/** How this server says that there is no such run, or nothing of that name; hosts pass the words on. */
const NO_SUCH = "There is no resource";

/** Bears failures that may pass: a host that was busy, a server that is started again, a disk that was full. */
export class Patience {
  readonly #wait: typeof pause;
  #failures = 0;

  /** @param wait Waits, in place of the clock. */
  constructor(wait: typeof pause = pause) {
    this.#wait = wait;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Wait before the next attempt. @throws What failed, where another attempt is of no use. */
  async failed(error: unknown, signal?: AbortSignal): Promise<void> {
    this.#failures += 1;
    if (this.#failures >= MOST_FAILURES || (error instanceof Error && error.message.includes(NO_SUCH))) throw error;
    await this.#wait(Math.min(FIRST_WAIT_MS * 2 ** (this.#failures - 1), LONGEST_WAIT_MS), signal);
  }
}
