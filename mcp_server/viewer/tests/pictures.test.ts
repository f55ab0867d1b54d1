import assert from "node:assert/strict";
import { test } from "node:test";
import { secondsLeft } from "../source/estimate.ts";
import { pictureOf } from "../source/graph.ts";
import { scaleOf } from "../source/lane-drawing.ts";
import { declaredIn } from "../source/mermaid.ts";
import { NOTHING } from "../source/state.ts";

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

test("nodes of a picture do not overlap, and stages beside each other stand in their order", () => {
  const nodes = ["supervisor", "a", "b", "c"];
  const edges = ["a", "b", "c"].flatMap((name) => [["supervisor", name] as const, [name, "supervisor"] as const]);

  const picture = pictureOf({ nodes, edges: [...edges, ["c", "a"], ["b", "b"]] }, []);

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

test("the time left is told only where there is something to reckon with", () => {
  const running = { ...NOTHING, status: "running" as const, startedAt: 0, progress: 25 };

  assert.equal(secondsLeft(running, 30_000), 90);
  assert.equal(secondsLeft({ ...running, progress: 2 }, 30_000), null);
  assert.equal(secondsLeft(running, 1_000), null);
  assert.equal(secondsLeft({ ...running, status: "waiting" }, 30_000), null);
});
