import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { hueOf } from "./agents.tsx";
import { type Edge, type Node, pictureOf, shapeOf } from "./graph.ts";
import type { Declared } from "./mermaid.ts";
import { type RunState, SUPERVISOR } from "./state.ts";
import { duration, many } from "./wording.ts";

type NodeStatus = "ahead" | "active" | "done" | "stopped";

/** The workflow's graph: what is at work is lit, what was gone through is drawn out, rounds are counted. */
export function WorkflowGraph({ state, declared }: { readonly state: RunState; readonly declared: Declared | null }): JSX.Element {
  const shape = shapeOf(state, declared);
  const key = JSON.stringify([shape, state.stages.map((stage) => stage.title)]);
  const picture = useMemo(() => pictureOf(shape, state.stages), [key]);
  return (
    <section class="panel graph" aria-labelledby="graph-title">
      <h2 id="graph-title">Workflow</h2>
      <div class="graph-scroll" tabIndex={0} role="group" aria-label="Workflow graph">
        <svg
          style={{ width: `max(${0.74 * picture.width}px, min(100%, ${picture.width}px))` }}
          viewBox={`0 0 ${picture.width} ${picture.height}`}
          aria-hidden="true"
        >
          {picture.edges.map((edge) => <Line key={`${edge.from} ${edge.to}`} edge={edge} state={state} />)}
          {picture.nodes.map((node) => <Box key={node.name} node={node} state={state} />)}
        </svg>
      </div>
      <ol class="visually-hidden">
        {state.stages.map((stage) => (
          <li key={stage.name}>
            {stage.title}: {WORDS[stage.status]}
            {stage.round > 0 ? `, ${many(stage.round, "round")}, ${duration(stage.seconds)}` : ""}
          </li>
        ))}
      </ol>
    </section>
  );
}

const WORDS: Readonly<Record<NodeStatus, string>> = {
  ahead: "not begun",
  active: "at work",
  done: "done",
  stopped: "stopped",
};

function statusOf(state: RunState, name: string): NodeStatus {
  const stage = state.stages.find((one) => one.name === name);
  if (stage !== undefined) return stage.status;
  if (!state.supervised) return "ahead";
  const idle = state.end !== null || state.stages.some((one) => one.status === "active");
  return idle || state.origin !== SUPERVISOR ? "done" : "active";
}

function Box({ node, state }: { readonly node: Node; readonly state: RunState }): JSX.Element {
  const status = statusOf(state, node.name);
  const round = state.stages.find((stage) => stage.name === node.name)?.round ?? 0;
  const left = node.x - node.width / 2;
  const top = node.y - node.height / 2;
  return (
    <g class={`node ${status} hue-${hueOf(state, node.name)}`}>
      <rect x={left} y={top} width={node.width} height={node.height} rx={9} />
      <circle cx={left + 16} cy={node.y} r={4.5} />
      <text x={left + 28} y={node.y} dominant-baseline="central">{node.title}</text>
      {round > 1 ? (
        <g class="round">
          <rect x={left + node.width - 20} y={top - 9} width={28} height={18} rx={9} />
          <text x={left + node.width - 6} y={top} text-anchor="middle" dominant-baseline="central">×{round}</text>
        </g>
      ) : null}
    </g>
  );
}

function Line({ edge, state }: { readonly edge: Edge; readonly state: RunState }): JSX.Element {
  const there = state.edges.get(`${edge.from}\n${edge.to}`) ?? 0;
  const back = edge.both ? (state.edges.get(`${edge.to}\n${edge.from}`) ?? 0) : 0;
  const lit = there > 0 && state.origin === edge.from && statusOf(state, edge.to) === "active";
  return <path class={`edge ${lit ? "lit" : there + back > 0 ? "gone" : "open"}`} d={pathOf(edge)} />;
}

function pathOf({ points }: Edge): string {
  const [start, ...rest] = points;
  if (start === undefined) return "";
  const end = rest.at(-1);
  if (end !== undefined && rest.length === 1) {
    const middle = (start.x + end.x) / 2;
    return `M${start.x} ${start.y}C${middle} ${start.y} ${middle} ${end.y} ${end.x} ${end.y}`;
  }
  return `M${start.x} ${start.y}${rest.map((point) => `L${point.x} ${point.y}`).join("")}`;
}
