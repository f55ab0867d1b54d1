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
  /** Whether there is a way back, too; it is then part of this line. */
  readonly both: boolean;
  /** Corners of its line. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** A graph that has been laid out; its middle points are the nodes' places. */
export interface Picture {
  /** Whether it leads downwards, as it would be too wide from left to right. */
  readonly down: boolean;
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

const NODE_HEIGHT = 32;

/** How small a picture may be drawn before it leads downwards: its letters are then about 9 pixels high. */
export const LEAST_SCALE = 0.7;

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

/**
 * Lay a graph out, from left to right; downwards, where that is too wide and downwards is narrower.
 *
 * @param room Pixels there are from left to right.
 */
export function pictureOf(shape: Declared, stages: readonly Stage[], room: number): Picture | null {
  if (shape.nodes.length === 0) return null; // what runs is not known yet
  const across = laidOut(shape, stages, false);
  if (across.width * LEAST_SCALE <= room) return across;
  const down = laidOut(shape, stages, true);
  return down.width < across.width ? down : across;
}

/** Beside each other, stages stand in their usual order. What leads downwards is laid out on its side, and then turned. */
function laidOut(shape: Declared, stages: readonly Stage[], down: boolean): Picture {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 10, ranksep: down ? 24 : 50, marginx: 14, marginy: 12 });
  const titles = shape.nodes.map((name) => stages.find((stage) => stage.name === name)?.title ?? titled(name));
  const widest = 46 + 7.7 * Math.max(0, ...titles.map((title) => title.length));
  shape.nodes.forEach((name, index) => {
    const width = Math.min(190, name === SUPERVISOR ? 124 : widest);
    const size = down ? { width: NODE_HEIGHT, height: width } : { width, height: NODE_HEIGHT };
    graph.setNode(name, { name, title: titles[index], ...size });
  });
  const place = (name: string): number => shape.nodes.indexOf(name);
  const sorted = shape.edges.toSorted((one, other) => place(one[0]) - place(other[0]) || place(one[1]) - place(other[1]));
  const forward = sorted.filter(([from, to]) => {
    // The layout is told of no way back: that is drawn with its way there, or below.
    if (closesCycle(graph, from, to)) return false;
    graph.setEdge(from, to, {});
    return true;
  });
  layout(graph);
  const nodes = inOrder(graph.nodes().map((name) => graph.node(name) as unknown as Node), place);
  const places = new Map(nodes.map((node) => [node.name, node]));
  const backward = sorted.filter((edge) => !forward.includes(edge));
  const paired = (edge: Way): boolean => backward.some(([from, to]) => from === edge[1] && to === edge[0]);
  const alone = backward.filter(([from, to]) => !forward.some((edge) => edge[0] === to && edge[1] === from));
  const edges = [...forward, ...alone].flatMap((edge): Edge[] => {
    const [from, to] = [places.get(edge[0]), places.get(edge[1])];
    return from && to ? [{ from: edge[0], to: edge[1], both: paired(edge), points: lineOf(from, to) }] : [];
  });
  const { width: whole = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const below = edges.some((edge) => edge.points.length > 2) ? BELOW + 4 : 0;
  const picture = { down, width: whole, height: height + below, nodes, edges };
  return down ? turned(picture) : picture;
}

/** How far below its nodes a way back over several nodes goes. */
const BELOW = 26;

/** What was across is down. */
function turned(picture: Picture): Picture {
  const { width, height, nodes, edges } = picture;
  return {
    ...picture,
    width: height,
    height: width,
    nodes: nodes.map((node) => ({ ...node, x: node.y, y: node.x, width: node.height, height: node.width })),
    edges: edges.map((edge) => ({ ...edge, points: edge.points.map(({ x, y }) => ({ x: y, y: x })) })),
  };
}

type Way = readonly [from: string, to: string];

/** The same places, given to the nodes of each column in their usual order: the layout minds crossings only. */
function inOrder(nodes: readonly Node[], place: (name: string) => number): readonly Node[] {
  return nodes.map((node) => {
    const column = nodes.filter((other) => Math.abs(other.x - node.x) < 1);
    const index = column.toSorted((one, other) => place(one.name) - place(other.name)).indexOf(node);
    return { ...node, y: column.map((other) => other.y).toSorted((one, other) => one - other)[index] ?? node.y };
  });
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
  if (Math.abs(from.y - to.y) > from.height / 2) {
    return [
      { x: from.x - from.width / 2, y: from.y },
      { x: to.x + to.width / 2, y: to.y },
    ];
  }
  const low = Math.max(from.y + from.height / 2, to.y + to.height / 2) + BELOW;
  return [
    { x: from.x, y: from.y + from.height / 2 },
    { x: from.x, y: low },
    { x: to.x, y: low },
    { x: to.x, y: to.y + to.height / 2 },
  ];
}
