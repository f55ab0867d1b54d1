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
          width={picture.width}
          height={picture.height}
          viewBox={`0 0 ${picture.width} ${picture.height}`}
          aria-hidden="true"
        >
          {picture.edges.map((edge) => <Line key={`${edge.from} ${edge.to}`} edge={edge} state={state} both={picture.edges.some((other) => other.from === edge.to && other.to === edge.from)} />)}
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

function Line({ edge, state, both }: { readonly edge: Edge; readonly state: RunState; readonly both: boolean }): JSX.Element | null {
  const there = state.edges.get(`${edge.from}\n${edge.to}`) ?? 0;
  const back = state.edges.get(`${edge.to}\n${edge.from}`) ?? 0;
  // A way that is gone in both directions is one line.
  if (both && edge.points[0] !== undefined && edge.points[1] !== undefined && edge.points[0].x > edge.points[1].x) return null;
  const lit = statusOf(state, edge.to) === "active" && state.origin === edge.from && there > 0;
  const gone = there > 0 || (both && back > 0);
  return <path class={`edge ${lit ? "lit" : gone ? "gone" : "open"}`} d={pathOf(edge)} />;
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
