// Against a real server, whose address and token are in the environment; it plays scripted agents.

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { type Connection, isLast, RunsClient } from "../src/client.ts";
import { RequestFailed } from "../src/errors.ts";
import type { RunEvent } from "../src/events.ts";

const URL = env["SERVER_URL"] ?? "";
const TOKEN = env["SERVER_TOKEN"] ?? "";
const client = new RunsClient(URL, { token: TOKEN });

async function everything(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const found: RunEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

function countedUp(events: readonly RunEvent[], from = 1): void {
  assert.deepEqual(events.map((event) => event.seq), events.map((_, index) => from + index));
}

const runId = await client.start("build_feature", { task: "Turn titles into slugs" });
const whole = await everything(client.follow(runId));

test("a run is followed from its first event to its last", () => {
  countedUp(whole);
  assert.equal(whole[0]?.type, "workflow_started");
  assert.equal(whole.at(-1)?.type, "workflow_completed");
  assert.equal(whole.filter(isLast).length, 1);
  assert.ok(whole.every((event) => event.run_id === runId));
});

test("the types tell one event from another", () => {
  const tools = whole.filter((event) => event.type === "tool_end");
  assert.ok(tools.length > 0 && tools.every((event) => event.seconds >= 0 && typeof event.ok === "boolean"));
});

test("following begins after the event that is known", async () => {
  const rest = await everything(client.follow(runId, { after: 100 }));

  countedUp(rest, 101);
  assert.deepEqual(rest, whole.slice(100));
});

test("whoever knows everything is told at once that there is no more", async () => {
  assert.deepEqual(await everything(client.follow(runId, { after: whole.length })), []);
});

test("a connection that is cut again and again costs no event and repeats none", async () => {
  let connections = 0;
  const cutting = new RunsClient(URL, {
    token: TOKEN,
    fetch: async (...request) => {
      connections += 1;
      const response = await fetch(...request);
      return new Response(cutAfter(response.body as ReadableStream<Uint8Array>, 20_000), response);
    },
  });
  const states: Connection[] = [];

  const events = await everything(cutting.follow(runId, { onConnection: (state) => states.push(state) }));

  assert.deepEqual(events, whole);
  assert.ok(connections > 2);
  assert.deepEqual(states.slice(0, 4), ["connecting", "live", "retrying", "live"]);
});

test("a server that cannot be reached is asked again", async () => {
  let asked = 0;
  const late = new RunsClient(URL, {
    token: TOKEN,
    fetch: async (...request) => {
      asked += 1;
      if (asked < 3) throw new TypeError("fetch failed");
      return fetch(...request);
    },
  });

  assert.equal((await everything(late.follow(runId))).length, whole.length);
  assert.equal(asked, 3);
});

test("breaking off ends the connection, and a signal ends following", async () => {
  for await (const event of client.follow(runId)) {
    if (event.seq === 3) break;
  }
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const event of client.follow(runId, { signal: stop.signal })) {
    seen.push(event.seq);
    if (event.seq === 5) stop.abort();
  }
  assert.ok(seen.length >= 5 && seen.length < whole.length);
});

test("an artifact is read as text", async () => {
  assert.match(await client.artifact(runId, "design.md"), /^# Design/);
});

test("a refusal says its kind, its message and what helps", async () => {
  const refused = everything(client.follow("0123456789abcdef0123"));

  await assert.rejects(refused, (error) => error instanceof RequestFailed && error.status === 404 && error.kind === "run_not_found");
  await assert.rejects(client.start("no_such_workflow", {}), (error) => error instanceof RequestFailed && error.recovery.length > 0);
});

test("a wrong token is refused at once and not tried again", async () => {
  const stranger = new RunsClient(URL, { token: "wrong" });

  await assert.rejects(everything(stranger.follow(runId)), (error) => error instanceof RequestFailed && error.status === 401);
});

/** A body that fails after so many bytes, as one does whose connection is lost. */
function cutAfter(body: ReadableStream<Uint8Array>, bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) controller.error(new TypeError("terminated"));
    },
  });
  return body.pipeThrough(cut);
}
