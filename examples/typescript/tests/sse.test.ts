import assert from "node:assert/strict";
import { test } from "node:test";
import { messagesOf, type ServerSentMessage, type StreamHints } from "../src/sse.ts";

const STREAM =
  "\uFEFF: a comment\r\nretry: 250\n\nid: 1\nevent: token_stream\ndata: one\n\n" +
  "id: 2\ndata: two\r\ndata:lines\r\n\r\n: keep-alive\n\ndata\nid\n\nevent: nothing\n\nid: 3\rdata: three\r\rdata: cut off";

const MESSAGES: ServerSentMessage[] = [
  { id: "1", event: "token_stream", data: "one" },
  { id: "2", event: "message", data: "two\nlines" },
  { id: "", event: "message", data: "" },
  { id: "3", event: "message", data: "three" },
];

async function read(...pieces: string[]): Promise<{ messages: ServerSentMessage[]; hints: StreamHints }> {
  async function* text(): AsyncGenerator<string> {
    yield* pieces;
  }
  const hints: StreamHints = {};
  const messages: ServerSentMessage[] = [];
  for await (const message of messagesOf(text(), hints)) messages.push(message);
  return { messages, hints };
}

test("messages are read as the standard says, however the stream is cut into pieces", async () => {
  assert.deepEqual(await read(STREAM), { messages: MESSAGES, hints: { retry: 250 } });
  assert.deepEqual((await read(...STREAM)).messages, MESSAGES);
  for (let first = 0; first <= STREAM.length; first += 1) {
    const pieces = [STREAM.slice(0, first), STREAM.slice(first, first + 3), STREAM.slice(first + 3)];
    assert.deepEqual((await read(...pieces)).messages, MESSAGES);
  }
});

test("a stream without an end gives out no half message", async () => {
  assert.deepEqual((await read("id: 1\ndata: whole\n\nid: 2\ndata: half\n")).messages.length, 1);
});
