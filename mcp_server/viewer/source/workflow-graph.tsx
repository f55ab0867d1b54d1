import type { JSX } from "preact";
import { memo } from "preact/compat";
import { useMemo, useRef } from "preact/hooks";
import { hueOf } from "./agents.tsx";
import { type Edge, LEAST_SCALE, type Node, pictureOf, shapeOf } from "./graph.ts";
import type { Declared } from "./mermaid.ts";
import { type RunState, SUPERVISOR } from "./state.ts";
import { useWidth } from "./width.ts";
import { duration, many } from "./wording.ts";

type NodeStatus = "ahead" | "active" | "done" | "stopped";

interface WorkflowGraphProps {
  readonly state: RunState;
  /** What the workflow says of itself; null where that is not known. */
  readonly declared: Declared | null;
}

/** The workflow's graph: what is at work is lit, what was gone through is drawn out, rounds are counted. */
export const WorkflowGraph = memo(Inner);

function Inner({ state, declared }: WorkflowGraphProps): JSX.Element {
  const shape = shapeOf(state, declared);
  const box = useRef<HTMLDivElement>(null);
  const room = useWidth(box);
  const key = JSON.stringify([shape, state.stages.map((stage) => stage.title), room]);
  const picture = useMemo(() => (room === 0 ? null : pictureOf(shape, state.stages, room)), [key]);
  return (
    <section class="panel graph" aria-labelledby="graph-title">
      <h2 id="graph-title">Workflow</h2>
      <div class="graph-scroll" ref={box} tabIndex={0} role="group" aria-label="Workflow graph">
        {picture === null ? null : (
          <svg
            style={{ width: `max(${LEAST_SCALE * picture.width}px, min(100%, ${picture.width}px))` }}
            viewBox={`0 0 ${picture.width} ${picture.height}`}
            aria-hidden="true"
          >
            {picture.edges.map((edge) => <Line key={`${edge.from} ${edge.to}`} edge={edge} down={picture.down} state={state} />)}
            {picture.nodes.map((node) => <Box key={node.name} node={node} state={state} />)}
          </svg>
        )}
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

function Line({ edge, down, state }: { readonly edge: Edge; readonly down: boolean; readonly state: RunState }): JSX.Element {
  const there = state.edges.get(`${edge.from}\n${edge.to}`) ?? 0;
  const back = edge.both ? (state.edges.get(`${edge.to}\n${edge.from}`) ?? 0) : 0;
  const lit = there > 0 && state.origin === edge.from && statusOf(state, edge.to) === "active";
  return <path class={`edge ${lit ? "lit" : there + back > 0 ? "gone" : "open"}`} d={pathOf(edge, down)} />;
}

/** A curve from one node to the next, which leaves and arrives in the graph's direction; corners for a longer way. */
function pathOf({ points }: Edge, down: boolean): string {
  const [start, ...rest] = points;
  if (start === undefined) return "";
  const end = rest.at(-1);
  if (end !== undefined && rest.length === 1) {
    const [x, y] = [(start.x + end.x) / 2, (start.y + end.y) / 2];
    const bend = down ? `${start.x} ${y} ${end.x} ${y}` : `${x} ${start.y} ${x} ${end.y}`;
    return `M${start.x} ${start.y}C${bend} ${end.x} ${end.y}`;
  }
  return `M${start.x} ${start.y}${rest.map((point) => `L${point.x} ${point.y}`).join("")}`;
}
