import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { RunState } from "./state.ts";

/** Between two things that are said aloud: more would drown the reader. */
const PAUSE_MS = 4000;

/** Says aloud, for screen readers, what somebody who looks would notice: a stage, a question, the end. Never token text. */
export function Announcer({ state }: { readonly state: RunState }): JSX.Element {
  const news = newsOf(state);
  const [said, say] = useState("");
  useEffect(() => {
    if (news === said) return undefined;
    const timer = setTimeout(() => say(news), said === "" ? 0 : PAUSE_MS);
    return () => clearTimeout(timer);
  }, [news, said]);
  return <p class="visually-hidden" role="status">{said}</p>;
}

function newsOf(state: RunState): string {
  if (state.end !== null) return `Run ${state.end.status}.`;
  const question = state.gates.find((gate) => gate.answer === null);
  if (question !== undefined) return `The run asks: ${question.question}`;
  const active = state.stages.filter((stage) => stage.status === "active");
  return active.map((stage) => `${stage.title} is at work${stage.round > 1 ? `, round ${stage.round}` : ""}.`).join(" ");
}
