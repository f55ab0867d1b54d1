/** The server's answer to a request that it refused or could not fulfil (`application/problem+json`). */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";

  /** The HTTP status. */
  readonly status: number;
  /** Stable machine name, for example `run_not_found`. */
  readonly kind: string;
  /** What helps, most useful first. */
  readonly recovery: readonly string[];
  /** Seconds after which the server would like to be asked again; undefined if it did not say. */
  readonly retryAfter: number | undefined;

  constructor(status: number, kind: string, message: string, recovery: readonly string[], retryAfter?: number) {
    super(message);
    this.status = status;
    this.kind = kind;
    this.recovery = recovery;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get passing(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }

  static async of(response: Response): Promise<RequestFailed> {
    const problem = await problemOf(response);
    const after = Number(response.headers.get("retry-after") ?? Number.NaN);
    return new RequestFailed(
      response.status,
      text(problem["kind"]) ?? `http_${response.status}`,
      text(problem["message"]) ?? text(problem["detail"]) ?? `The server answered ${response.status}.`,
      Array.isArray(problem["recovery"]) ? problem["recovery"].filter((line) => typeof line === "string") : [],
      Number.isFinite(after) ? after : undefined,
    );
  }
}

async function problemOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = await response.json();
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // no JSON: a proxy's own error page, perhaps
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
