import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendList } from "../source/append-list.ts";
import { leftInWords, secondsLeft } from "../source/estimate.ts";
import { pictureOf } from "../source/graph.ts";
import { drawLane, scaleOf } from "../source/lane-drawing.ts";
import { declaredIn } from "../source/mermaid.ts";
import { reduce } from "../source/reduce.ts";
import { NOTHING, type Span } from "../source/state.ts";
import { type Said, toldAfter } from "./events.ts";

const MERMAID = `graph TD;
	__start__([<p>__start__</p>]):::first
	survey(survey)
	supervisor(supervisor)
	codesmith(codesmith)
	__end__([<p>__end__</p>]):::last
	__start__ --> survey;
	survey --> supervisor;
	supervisor -.-> codesmith;
	codesmith -. again .-> supervisor;
	codesmith --> __end__;
	classDef default fill:#f2f0ff,line-height:1.2`;

test("a graph is read from the server's Mermaid text", () => {
  assert.deepEqual(declaredIn(MERMAID), {
    nodes: ["survey", "supervisor", "codesmith"],
    edges: [["", "survey"], ["survey", "supervisor"], ["supervisor", "codesmith"], ["codesmith", "supervisor"], ["codesmith", ""]],
  });
});

test("a graph that would be too wide leads downwards, and what is beside each other stays in its order", () => {
  const nodes = ["design", "code", "review", "refinement", "tests"];
  const edges = nodes.slice(1).map((name, index) => [nodes[index] ?? "", name] as const);
  const shape = { nodes, edges: [...edges, ["tests", "code"] as const] };

  const [wide, narrow] = [pictureOf(shape, [], 2000)!, pictureOf(shape, [], 300)!];

  assert.deepEqual([wide.down, narrow.down], [false, true]);
  assert.ok(narrow.width <= 300 && narrow.height < wide.width);
  const places = nodes.map((name) => narrow.nodes.find((node) => node.name === name));
  places.slice(1).forEach((node, index) => assert.ok(node!.y - node!.height / 2 > places[index]!.y + places[index]!.height / 2));
  for (const { points } of narrow.edges) assert.ok(points.every(({ x, y }) => x >= 0 && x <= narrow.width && y >= 0 && y <= narrow.height));
});

test("there is no picture of what is not known yet", () => {
  assert.equal(pictureOf({ nodes: [], edges: [] }, [], 2000), null);
});

test("nodes of a picture do not overlap, and stages beside each other stand in their order", () => {
  const nodes = ["supervisor", "a", "b", "c"];
  const edges = ["a", "b", "c"].flatMap((name) => [["supervisor", name] as const, [name, "supervisor"] as const]);

  const picture = pictureOf({ nodes, edges: [...edges, ["c", "a"], ["b", "b"]] }, [], 2000)!;

  const places = picture.nodes.map((node) => ({ left: node.x - node.width / 2, right: node.x + node.width / 2, top: node.y - node.height / 2, bottom: node.y + node.height / 2 }));
  for (const [index, one] of places.entries()) {
    assert.ok(one.left >= 0 && one.top >= 0 && one.right <= picture.width && one.bottom <= picture.height);
    for (const other of places.slice(index + 1)) {
      assert.ok(one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top);
    }
  }
  assert.equal(picture.nodes.length, 4);
});

test("the time line's scale leads there and back, and its marks have room", () => {
  for (const [length, width] of [[1, 300], [5_300, 250], [3_600_000, 900], [90_000_000, 1200]] as const) {
    const scale = scaleOf(1000, 1000 + length, width);

    assert.ok(Math.abs(scale.at(scale.timeAt(width / 2)) - width / 2) < 0.001);
    assert.equal(Math.round(scale.at(1000 + length)), width);
    scale.ticks.slice(1).forEach((tick, index) => assert.ok(tick.x - (scale.ticks[index]?.x ?? 0) >= 71));
  }
});

test("a lane shows what lasted as long as it did, and what lasts until now", () => {
  const span = (kind: Span["kind"], start: number, end: number | null): Span => ({ kind, label: "", seq: 1, start, end, ok: true });
  const lane = { agent: "a", tools: 1, failedTools: 0, spans: AppendList.of(span("stage", 1000, 5000), span("tool", 2000, 4000), span("gate", 8000, null)) };

  assert.deepEqual(drawn(lane, { hue: 1, width: 500, from: 1000, to: 11_000 }), [[0, 200], [50, 100], [350, 150]]);
});

/** Places and widths of the bars that are drawn for a lane, in their order. */
function drawn(...[lane, place]: [Parameters<typeof drawLane>[1], Parameters<typeof drawLane>[2]]): number[][] {
  const bars: number[][] = [];
  const paper = {
    scale() {}, beginPath() {}, fill() {},
    roundRect: (x: number, _y: number, width: number) => bars.push([Math.round(x), Math.round(width)]),
  };
  const page = globalThis as unknown as Record<string, unknown>;
  page["window"] = { devicePixelRatio: 1 };
  page["getComputedStyle"] = () => ({ getPropertyValue: () => "#000" });
  drawLane({ getContext: () => paper } as unknown as HTMLCanvasElement, lane, place);
  return bars;
}

test("the time left is told only where there is something to reckon with", () => {
  const running = { ...NOTHING, status: "running" as const, startedAt: 0, progress: 25 };

  assert.equal(secondsLeft(running, 30_000), 90);
  assert.deepEqual([90, 30, 5].map(leftInWords), ["about 2 min left", "about 30 s left", "a few seconds left"]);
  assert.equal(secondsLeft({ ...running, progress: 2 }, 30_000), null);
  assert.equal(secondsLeft(running, 1_000), null);
  assert.equal(secondsLeft({ ...running, status: "waiting" }, 30_000), null);
});

test("hours in which the run stood still are no part of the time left", () => {
  const night = 8 * 3600;
  const gate = { type: "gate_opened", gate_id: "1", question: "", schema: {}, expires_at: "", parked: true } as const;
  const other = { ...gate, gate_id: "2" };
  const answered = { type: "gate_answered", gate_id: "1", answer: true, by: "", outcome: "accepted" } as const;
  const otherAnswered = { ...answered, gate_id: "2" };
  const resumed = { type: "workflow_resumed" as const, after: 1, next: [] };
  const waits = (waiting_for: string, agent = "") => ({ type: "heartbeat", agent, stage: "", seconds: 0, waiting_for, reason: "" }) as const;
  const begun = { type: "stage_started", stage: "codesmith", round: 1 } as const;

  const left = (...events: readonly Said[]): number | null => {
    const state = toldAfter([60, begun], ...events).reduce(reduce, NOTHING);
    return secondsLeft(state, state.time);
  };

  assert.equal(left([0, gate], [night, answered]), 60);
  assert.equal(left([0, gate], [night, other], [night, waits("person")], [night, answered], [night, otherAnswered]), 60);
  assert.equal(left([night, resumed]), 60);
  assert.equal(left([night, waits("slot")], [night, waits("slot")], [night, waits("start")], [0, resumed]), 60);
  assert.equal(left([0, gate], [night, waits("start")], [2, resumed], [60, begun]), 120);
  assert.equal(left([60, waits("model", "codesmith")], [60, waits("start", "codesmith")]), 180);
});
