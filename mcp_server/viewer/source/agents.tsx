import type { JSX } from "preact";
import { type RunState, SUPERVISOR } from "./state.ts";
import { titled } from "./wording.ts";

const HUES = 8;

/** Which of the page's colours an agent has: by its place among the stages, so that it is the same all through the run. */
export function hueOf(state: Pick<RunState, "stages" | "lanes">, agent: string): number {
  const [root = agent] = agent.split(" ▸ ");
  if (root === SUPERVISOR) return 0;
  const stage = state.stages.findIndex((one) => one.name === root);
  if (stage >= 0) return 1 + (stage % (HUES - 1));
  return 1 + ((state.stages.length + Math.max(0, state.lanes.findIndex((lane) => lane.agent === agent))) % (HUES - 1));
}

/** An agent's name for people: its stage's title says what it works on, its name who it is. */
export function agentTitle(agent: string): string {
  return titled(agent) || "Workflow";
}

export function AgentName({ agent, hue }: { readonly agent: string; readonly hue: number }): JSX.Element {
  return (
    <span class="agent">
      <span class={`dot hue-${hue}`} />
      {agentTitle(agent)}
    </span>
  );
}
