/** One message of a text/event-stream. */
export interface ServerSentMessage {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** What the stream says besides its messages. */
export interface StreamHints {
  /** Milliseconds to wait before connecting again, as the server wishes; undefined until it says so. */
  retry?: number;
}

/**
 * The messages of an event stream, as the HTML standard defines it ("Parsing an event stream").
 *
 * `EventSource` cannot send an Authorization header, so the stream is read with `fetch`; it is small enough to stand
 * here, which keeps the client without dependencies. A message that the end of the stream cuts off is not given out.
 *
 * @param text The stream's text, in pieces that may end anywhere.
 * @param hints Is filled with what the stream says besides its messages.
 */
export async function* messagesOf(
  text: AsyncIterable<string>,
  hints: StreamHints = {},
): AsyncGenerator<ServerSentMessage, void, undefined> {
  let id = "";
  let event = "";
  let data: string[] = [];
  for await (const line of linesOf(text)) {
    if (line === "") {
      if (data.length > 0) yield { id, event: event || "message", data: data.join("\n") };
      event = "";
      data = [];
      continue;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") data.push(value);
    else if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) id = value;
    else if (name === "retry" && /^\d+$/.test(value)) hints.retry = Number(value);
    // A name that begins with nothing is a comment: it keeps the connection alive. Others are passed over.
  }
}

/** Whole lines; they end with CR LF, LF or CR, and a CR at the end of a piece may have its LF in the next. */
async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let rest = "";
  let start = true;
  for await (const piece of text) {
    rest += start ? piece.replace(/^\uFEFF/, "") : piece;
    if (piece !== "") start = false;
    const whole = rest.endsWith("\r") ? rest.slice(0, -1) : rest;
    const lines = whole.split(/\r\n|\n|\r/);
    const last = lines.pop() ?? "";
    rest = last + rest.slice(whole.length);
    yield* lines;
  }
  if (rest.endsWith("\r")) yield rest.slice(0, -1);
}
