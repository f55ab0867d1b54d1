import { Graph, layout } from "@dagrejs/dagre";
import type { Declared } from "./mermaid.ts";
import { type RunState, type Stage, SUPERVISOR } from "./state.ts";
import { titled } from "./wording.ts";

export interface Node {
  readonly name: string;
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  /** Corners of its line. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** A graph that has been laid out; its middle points are the nodes' places. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

const NODE_HEIGHT = 34;

/**
 * What there is to draw: the nodes that people watch, and the ways between them.
 *
 * These are the ways the workflow declares, if that is known, and those the run has gone. Nodes that are no stage (they
 * prepare something) are left out.
 */
export function shapeOf(state: RunState, declared: Declared | null): Declared {
  const supervised = state.supervised || (declared?.nodes.includes(SUPERVISOR) ?? false);
  const nodes = [...(supervised ? [SUPERVISOR] : []), ...state.stages.map((stage) => stage.name)];
  const gone = [...state.edges.keys()].map((edge) => edge.split("\n") as [string, string]);
  const edges = new Map<string, readonly [string, string]>();
  for (const edge of [...(declared?.edges ?? []), ...gone]) {
    if (edge[0] !== edge[1] && nodes.includes(edge[0]) && nodes.includes(edge[1])) edges.set(edge.join("\n"), edge);
  }
  if (declared === null && !supervised) {
    // Nothing is known yet but the stages' usual order.
    state.stages.slice(1).forEach((stage, index) => {
      const edge = [state.stages[index]?.name ?? "", stage.name] as const;
      edges.set(edge.join("\n"), edge);
    });
  }
  return { nodes, edges: [...edges.values()] };
}

/** Lay a graph out, from left to right. */
export function pictureOf(shape: Declared, stages: readonly Stage[]): Picture {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 56, marginx: 4, marginy: 10 });
  for (const name of shape.nodes) {
    const title = stages.find((stage) => stage.name === name)?.title ?? titled(name);
    graph.setNode(name, { name, title, width: Math.min(190, 46 + title.length * 7.4), height: NODE_HEIGHT });
  }
  // A way back is drawn beside its way there; the layout needs only one of them.
  for (const [from, to] of shape.edges) {
    if (!graph.hasEdge(to, from) && !closesCycle(graph, from, to)) graph.setEdge(from, to, {});
  }
  layout(graph);
  const nodes = graph.nodes().map((name) => graph.node(name) as unknown as Node);
  const places = new Map(nodes.map((node) => [node.name, node]));
  const edges = shape.edges.flatMap(([from, to]) => {
    const [start, end] = [places.get(from), places.get(to)];
    return start === undefined || end === undefined ? [] : [{ from, to, points: lineOf(start, end) }];
  });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const below = edges.some((edge) => edge.points.length > 2) ? 34 : 0;
  return { width, height: height + below, nodes, edges };
}

function closesCycle(graph: Graph, from: string, to: string): boolean {
  const seen = new Set<string>();
  const open = [to];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === from) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    open.push(...(graph.successors(name) ?? []));
  }
  return false;
}

/** From one node's side to the other's; a way back over several nodes goes below them. */
function lineOf(from: Node, to: Node): readonly { readonly x: number; readonly y: number }[] {
  if (from.x < to.x) {
    return [
      { x: from.x + from.width / 2, y: from.y },
      { x: to.x - to.width / 2, y: to.y },
    ];
  }
  if (Math.abs(from.y - to.y) > NODE_HEIGHT / 2) {
    return [
      { x: from.x - from.width / 2, y: from.y },
      { x: to.x + to.width / 2, y: to.y },
    ];
  }
  const low = from.y + NODE_HEIGHT / 2 + 26;
  return [
    { x: from.x, y: from.y + NODE_HEIGHT / 2 },
    { x: from.x, y: low },
    { x: to.x, y: low },
    { x: to.x, y: to.y + NODE_HEIGHT / 2 },
  ];
}
