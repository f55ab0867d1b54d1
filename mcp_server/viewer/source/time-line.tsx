import type { JSX } from "preact";
import { memo } from "preact/compat";
import { useEffect, useRef } from "preact/hooks";
import { agentTitle, hueOf } from "./agents.tsx";
import { useTick } from "./clock.ts";
import { colourChanges } from "./colours.ts";
import { drawLane, scaleOf } from "./lane-drawing.ts";
import type { LiveRun } from "./live-run.ts";
import type { Lane } from "./state.ts";
import { useWidth } from "./width.ts";
import { duration, many } from "./wording.ts";

/** How often the time line grows while the run is live; it is drawn for every new event all the same. */
const TICK_MS = 500;

interface TimeLineProps {
  readonly run: LiveRun;
  /** The moment that is looked at; null for the newest one. */
  readonly at: number | null;
}

/** One lane for each agent: its stages, tool calls, waits and questions, to scale. A click goes to that moment. */
export const TimeLine = memo(Inner);

function Inner({ run, at }: TimeLineProps): JSX.Element {
  const head = run.paced.value;
  const live = head.end === null && !run.interrupted.value;
  useTick(TICK_MS, live);
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const now = live ? run.now() : head.time;
  const scale = scaleOf(head.startedAt, now, width);
  const playhead = at === null ? null : scale.at(at);
  const go = (event: MouseEvent): void => {
    if (box.current === null) return;
    const time = scale.timeAt(event.clientX - box.current.getBoundingClientRect().left);
    run.look(run.history.seqAt(time));
  };
  return (
    <section class="panel time-line" aria-labelledby="time-line-title">
      <div class="panel-head">
        <h2 id="time-line-title">Time line</h2>
        <Legend />
      </div>
      <div class="lanes">
        <div class="lane-names">
          {head.lanes.map((lane) => (
            <div class="lane-name" key={lane.agent} title={agentTitle(lane.agent)}>
              <span class={`dot hue-${hueOf(head, lane.agent)}`} />
              <span class="lane-title">{agentTitle(lane.agent)}</span>
              <span class="visually-hidden">: {summary(lane)}</span>
            </div>
          ))}
        </div>
        <div class="lane-tracks" ref={box} onClick={go}>
          {head.lanes.map((lane) => (
            <Track key={lane.agent} lane={lane} hue={hueOf(head, lane.agent)} width={width} from={head.startedAt} to={now} />
          ))}
          <div class="axis" aria-hidden="true">
            {scale.ticks.map((tick) => (
              <span key={tick.seconds} class="tick" style={{ left: `${tick.x}px` }}>{tick.label}</span>
            ))}
          </div>
          {playhead === null ? null : <div class="playhead" style={{ left: `${playhead}px` }} />}
        </div>
      </div>
    </section>
  );
}

interface TrackProps {
  readonly lane: Lane;
  readonly hue: number;
  readonly width: number;
  readonly from: number;
  readonly to: number;
}

function Track({ lane, hue, width, from, to }: TrackProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = colourChanges.value;
  useEffect(() => {
    if (canvas.current !== null && width > 0) drawLane(canvas.current, lane, { hue, width, from, to });
  }, [lane, hue, width, from, to, colours]);
  return <canvas class="track" ref={canvas} aria-hidden="true" />;
}

function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-hidden="true">
      <li><span class="swatch stage" />stage</li>
      <li><span class="swatch tool" />tool</li>
      <li><span class="swatch failed" />failed</li>
      <li><span class="swatch waiting" />waiting</li>
      <li><span class="swatch decision" />decision</li>
    </ul>
  );
}

function summary(lane: Lane): string {
  let stages = 0;
  let waited = 0;
  for (const span of lane.spans) {
    if (span.kind === "stage") stages += 1;
    if (span.kind === "waiting") waited += ((span.end ?? span.start) - span.start) / 1000;
  }
  const failed = lane.failedTools > 0 ? `, ${lane.failedTools} failed` : "";
  const waits = waited >= 1 ? `, waited ${duration(waited)}` : "";
  return `${many(stages, "stage round")}, ${many(lane.tools, "tool call")}${failed}${waits}`;
}
