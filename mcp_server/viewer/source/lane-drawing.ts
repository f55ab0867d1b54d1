import type { Lane, Span } from "./state.ts";
import { duration } from "./wording.ts";

export const LANE_HEIGHT = 26;

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

export interface Scale {
  at(time: number): number;
  timeAt(x: number): number;
  readonly ticks: readonly { readonly seconds: number; readonly x: number; readonly label: string }[];
}

/** Times as pixels: the whole run, and marks at round times with room between them. */
export function scaleOf(from: number, to: number, width: number): Scale {
  const milliseconds = Math.max(1, to - from);
  const perPixel = milliseconds / Math.max(1, width);
  const step = STEPS.find((seconds) => (seconds * 1000) / perPixel >= 72) ?? Math.ceil(milliseconds / 5000 / 86_400) * 86_400;
  const most = Math.floor(milliseconds / 1000 / step);
  const ticks = Array.from({ length: Math.min(most, 40) + 1 }, (_, index) => {
    const seconds = index * step;
    return { seconds, x: (seconds * 1000) / perPixel, label: index === 0 ? "0" : duration(seconds) };
  }).filter((tick) => tick.x <= width - 24 || tick.seconds === 0);
  return { at: (time) => (time - from) / perPixel, timeAt: (x) => from + x * perPixel, ticks };
}

interface Place {
  readonly hue: number;
  readonly width: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Draw one agent's lane.
 *
 * A canvas, because a run may have thousands of tool calls: each is one rectangle, and a lane takes well below a
 * millisecond. What is shown is also said in words, in the lane's label and in the stream.
 */
export function drawLane(canvas: HTMLCanvasElement, lane: Lane, { hue, width, from, to }: Place): void {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(LANE_HEIGHT * ratio);
  const paper = canvas.getContext("2d");
  if (paper === null) return;
  paper.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colour = style.getPropertyValue(`--hue-${hue}`);
  const [red, amber, grey] = ["--bad", "--warn", "--faint"].map((name) => style.getPropertyValue(name));
  const perPixel = Math.max(1, to - from) / width;
  const left = (span: Span): number => (span.start - from) / perPixel;
  const wide = (span: Span, least: number): number => Math.max(least, ((span.end ?? to) - span.start) / perPixel);

  for (const span of lane.spans) {
    if (span.kind !== "stage") continue;
    paper.globalAlpha = 0.22;
    paper.fillStyle = colour;
    rounded(paper, left(span), 4, wide(span, 3), LANE_HEIGHT - 8, 4);
  }
  let covered = -1;
  for (const span of lane.spans) {
    const x = left(span);
    paper.globalAlpha = 1;
    switch (span.kind) {
      case "stage":
        break;
      case "tool": {
        const end = x + wide(span, 2);
        // Many calls within one pixel look like one.
        if (span.ok && end - covered < 0.5) break;
        covered = end;
        paper.fillStyle = span.ok ? colour : (red ?? colour);
        rounded(paper, x, 9, end - x, LANE_HEIGHT - 18, 2);
        break;
      }
      case "waiting":
        hatched(paper, x, wide(span, 2), grey ?? colour);
        break;
      case "gate":
        paper.fillStyle = amber ?? colour;
        rounded(paper, x, 6, wide(span, 3), LANE_HEIGHT - 12, 3);
        break;
      case "decision":
        paper.fillStyle = colour;
        diamond(paper, x, LANE_HEIGHT / 2, 4);
        break;
      default:
        span.kind satisfies never;
    }
  }
}

function rounded(paper: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, radius: number): void {
  paper.beginPath();
  paper.roundRect(x, y, width, height, Math.min(radius, width / 2));
  paper.fill();
}

function hatched(paper: CanvasRenderingContext2D, x: number, width: number, colour: string): void {
  paper.save();
  paper.beginPath();
  paper.rect(x, 9, width, LANE_HEIGHT - 18);
  paper.clip();
  paper.strokeStyle = colour;
  paper.lineWidth = 1;
  paper.beginPath();
  for (let at = x - LANE_HEIGHT; at < x + width; at += 4) {
    paper.moveTo(at, LANE_HEIGHT - 9);
    paper.lineTo(at + 8, 9);
  }
  paper.stroke();
  paper.restore();
}

function diamond(paper: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  paper.beginPath();
  paper.moveTo(x, y - size);
  paper.lineTo(x + size, y);
  paper.lineTo(x, y + size);
  paper.lineTo(x - size, y);
  paper.fill();
}
