import assert from "node:assert/strict";
import { test } from "node:test";
import { Listing, type RunsAsked } from "../source/listing.ts";
import type { RunPage, RunRow } from "../source/source.ts";

const PAGE = 100;
const NOW = new AbortController().signal;

/** A server with runs that were created one after the other, by number. */
class Server {
  readonly statuses = new Map<number, string>();
  asked = 0;

  constructor(count: number) {
    this.add(count);
  }

  add(count: number): void {
    for (let more = count; more > 0; more -= 1) this.statuses.set(this.statuses.size + 1, "completed");
  }

  runs({ live = false, before = "Infinity" }: RunsAsked): Promise<RunPage> {
    this.asked += 1;
    const found = [...this.statuses].filter(([number, status]) => number < Number(before) && (!live || status !== "completed"));
    const rows = found.reverse().slice(0, PAGE).map(([number, status]) => row(number, status));
    return Promise.resolve({ rows, next: rows.length === PAGE ? String(rows.at(-1)?.createdAt) : null });
  }

  again({ createdAt }: RunRow): Promise<RunRow | null> {
    this.asked += 1;
    const status = this.statuses.get(createdAt);
    return Promise.resolve(status === undefined ? null : row(createdAt, status));
  }
}

function row(number: number, status: string): RunRow {
  return { runId: `run ${number}`, workflow: "ask", status, task: "", progress: 0, message: "", createdAt: number, costUsd: 0, offline: false };
}

function numbers(listing: Listing): number[] {
  return listing.rows.map((one) => one.createdAt);
}

function down(from: number, to: number): number[] {
  return Array.from({ length: from - to + 1 }, (_, index) => from - index);
}

test("older runs come page by page, until there are none", async () => {
  const listing = new Listing(new Server(250));

  await listing.look(NOW);
  assert.deepEqual([numbers(listing), listing.more], [down(250, 151), true]);
  await listing.older(NOW);
  assert.deepEqual([numbers(listing), listing.more], [down(250, 51), true]);
  await listing.older(NOW);
  assert.deepEqual([numbers(listing), listing.more], [down(250, 1), false]);
  await listing.look(NOW);
  assert.deepEqual([numbers(listing), listing.more], [down(250, 1), false]);
});

test("a run that is not over is in the list, however many newer ones there are", async () => {
  const server = new Server(250);
  ["running", "waiting", "queued", "interrupted"].forEach((status, index) => server.statuses.set(index + 1, status));
  const listing = new Listing(server);

  await listing.look(NOW);

  assert.deepEqual(numbers(listing), [...down(250, 151), 4, 3, 2, 1]);
});

test("where one page holds all runs nothing else is asked for", async () => {
  const server = new Server(PAGE - 1);
  const listing = new Listing(server);

  await listing.look(NOW);

  assert.deepEqual([numbers(listing), listing.more, server.asked], [down(99, 1), false, 1]);
});

test("the list has no gap and nothing twice while new runs come", async () => {
  const server = new Server(250);
  const listing = new Listing(server);
  await listing.look(NOW);
  server.add(30);

  await listing.older(NOW);
  await listing.look(NOW);

  assert.deepEqual([numbers(listing), listing.more], [down(280, 51), true]);
  server.add(150); // more than a page: what is between is on no page that was asked for
  await listing.look(NOW);
  assert.deepEqual([numbers(listing), listing.more], [down(430, 331), true]);
  await listing.older(NOW);
  assert.deepEqual(numbers(listing), down(430, 231));
});

test("a run that ends on an older page is shown as ended, and one that is gone no longer", async () => {
  const server = new Server(250);
  server.statuses.set(60, "running").set(70, "waiting").set(80, "interrupted");
  const listing = new Listing(server);
  await listing.look(NOW);
  await listing.older(NOW);

  server.statuses.set(60, "completed").delete(70);
  await listing.look(NOW);

  const status = (number: number): string | undefined => listing.rows.find((one) => one.createdAt === number)?.status;
  assert.deepEqual([60, 70, 80].map(status), ["completed", undefined, "interrupted"]);
});

test("nobody asks one by one for more live runs than a page tells of", async () => {
  const server = new Server(350);
  for (const number of server.statuses.keys()) server.statuses.set(number, "interrupted");
  const listing = new Listing(server);
  await listing.look(NOW);
  await listing.older(NOW);
  const before = server.asked;

  await listing.look(NOW);

  assert.equal(server.asked - before, 2);
});

test("older runs that come after the list has begun anew are left out: there would be a gap", async () => {
  const server = new Server(250);
  const listing = new Listing(server);
  await listing.look(NOW);
  let answer: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (answer = resolve));
  const runs = server.runs.bind(server);
  server.runs = async (which) => {
    const page = await runs(which);
    if (which.before !== undefined) await asked;
    return page;
  };

  const older = listing.older(NOW);
  server.add(150);
  await listing.look(NOW);
  answer();
  await older;

  assert.deepEqual(numbers(listing), down(400, 301));
});
