import assert from "node:assert/strict";
import { test } from "node:test";
import { HostSource } from "../source/host-source.ts";
import { MOST_FAILURES } from "../source/patience.ts";
import type { Connection } from "../source/source.ts";
import type { RunEvent } from "../source/state.ts";
import { told } from "./events.ts";

const END = { type: "workflow_cancelled", by: "", reason: "", branch: "", partial: {} } as const;
const events = told({ type: "stage_started", stage: "codesmith", round: 1 }, END);
const TIME_OUT = "The host did not answer resources/read.";

/** What is read, one answer after the other; an error is thrown, and the last answer is given for ever. */
function hostThat(...answers: readonly (readonly RunEvent[] | Error | string)[]) {
  const read: string[] = [];
  const readText = (uri: string): Promise<string> => {
    const answer = answers[Math.min(read.push(uri), answers.length) - 1] ?? "";
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve(typeof answer === "string" ? answer : answer.map((event) => JSON.stringify(event)).join("\n"));
  };
  return { read, readText, callTool: () => Promise.resolve({}) };
}

/** A run followed to its end, or to what makes an end of it, by a clock that waits for nobody. */
async function followed(host: ReturnType<typeof hostThat>, stop = new AbortController()) {
  const [seen, connections, waits]: [number[], Connection[], number[]] = [[], [], []];
  const source = new HostSource(host, async (milliseconds) => void waits.push(milliseconds));
  const onConnection = (connection: Connection): void => void connections.push(connection);
  let failure: unknown = null;
  try {
    for await (const { seq } of source.follow("r", { after: 0, signal: stop.signal, onConnection })) seen.push(seq);
  } catch (error) {
    failure = error;
  }
  return { seen, connections, waits, failure };
}

test("a read that fails is tried again, from the event after the last one received", async () => {
  const host = hostThat(events.slice(0, 1), new Error(TIME_OUT), new Error("log_unavailable"), events.slice(1));

  const { seen, connections, waits, failure } = await followed(host);

  assert.equal(failure, null);
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(connections, ["live", "retrying", "retrying", "live"]);
  assert.deepEqual(waits, [250, 500]);
  assert.deepEqual(host.read.map((uri) => uri.split("=")[1]), ["0", "1", "1", "1"]);
});

test("a failed look whether somebody still works on the run is tried again, too", async () => {
  const quiet = Array.from({ length: 10 }, () => []);
  const host = hostThat(events.slice(0, 1), ...quiet, new Error(TIME_OUT), [], '{"status": "interrupted"}');

  const { seen, connections, failure } = await followed(host);

  assert.equal(failure, null);
  assert.deepEqual(seen, [1]);
  assert.ok(connections.includes("retrying"));
  assert.equal(host.read.at(-1), "runs://r");
});

test("a run that is not there is given up at once, whatever the host says around the server's words", async () => {
  const host = hostThat(new Error("MCP error -32602: There is no resource runs://r/events?after=0."));

  const { failure, waits } = await followed(host);

  assert.match(String(failure), /There is no resource/);
  assert.deepEqual(waits, []);
});

test("many failures in a row are the end, and waits between them grow up to five seconds", async () => {
  const { failure, waits } = await followed(hostThat(new Error(TIME_OUT)));

  assert.match(String(failure), /did not answer/);
  assert.equal(waits.length, MOST_FAILURES - 1);
  assert.deepEqual(waits.slice(0, 6), [250, 500, 1000, 2000, 4000, 5000]);
  assert.equal(waits.at(-1), 5000);
});

test("failures with successes between them are not in a row", async () => {
  const turns = Array.from({ length: MOST_FAILURES }, () => [new Error(TIME_OUT), []]).flat();
  const host = hostThat(...turns.slice(0, 18), events, "");

  const { failure, waits } = await followed(host);

  assert.equal(failure, null);
  assert.deepEqual([...new Set(waits)], [250, 1000]);
});

test("who no longer looks is not told of a failure", async () => {
  const stop = new AbortController();
  const host = hostThat(new Error(TIME_OUT));
  const readText = (uri: string): Promise<string> => {
    stop.abort();
    return host.readText(uri);
  };

  const { failure, connections } = await followed({ ...host, readText }, stop);

  assert.equal(failure, null);
  assert.deepEqual(connections, []);
});
