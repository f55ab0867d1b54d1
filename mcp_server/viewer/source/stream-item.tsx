import type { ComponentChildren, JSX } from "preact";
import { memo } from "preact/compat";
import { AgentName, agentTitle, hueOf } from "./agents.tsx";
import { GateCard } from "./gate-card.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { JsonTree } from "./json-tree.tsx";
import type { LiveRun } from "./live-run.ts";
import { Markdown } from "./markdown.tsx";
import { type AgentItem, type End, type Item, type Json, type RunState, type SpeechItem, SUPERVISOR, type SupervisorItem, type ToolItem } from "./state.ts";
import { duration, textIn, titled } from "./wording.ts";

interface StreamItemProps {
  readonly item: Item;
  readonly state: RunState;
  readonly run: LiveRun;
  /** Whether its details are open. */
  readonly open: boolean;
  readonly onToggle: (seq: number, open: boolean) => void;
}

/** One thing that was said or done. Whatever a model or a tool wrote ends in a text node. */
export const StreamItem = memo(Inner, (before, after) => {
  if (before.item !== after.item || before.open !== after.open) return false;
  return before.item.kind !== "gate" || (before.state.gates === after.state.gates && before.state.status === after.state.status);
});

function Inner({ item, state, run, open, onToggle }: StreamItemProps): JSX.Element {
  const toggle = (isOpen: boolean): void => onToggle(item.seq, isOpen);
  switch (item.kind) {
    case "speech":
      return (
        <Entry item={item} state={state} agent={item.agent} icon={item.channel === "thinking" ? "think" : "text"} label={item.channel === "thinking" ? "thinks" : "says"}>
          <Speech item={item} />
        </Entry>
      );
    case "agent":
      return <Said item={item} state={state} run={run} open={open} toggle={toggle} />;
    case "step":
      return (
        <Entry item={item} state={state} agent={item.agent} icon="think" label={`step ${item.step}`}>
          <p class="speech">{item.text}</p>
        </Entry>
      );
    case "tool":
      return <Tool item={item} state={state} open={open} toggle={toggle} />;
    case "supervisor":
      return <Supervisor item={item} state={state} />;
    case "stage":
      return (
        <h3 class={`stage-mark hue-${hueOf(state, item.stage)}`}>
          <span class="dot" />
          {item.title}
          {item.round > 1 ? <span class="round-word">round {item.round}</span> : null}
          <span class="stage-time">{item.seconds === null ? "" : duration(item.seconds)}</span>
        </h3>
      );
    case "gate":
      return <GateCard gate={state.gates.find((gate) => gate.gateId === item.gateId)} run={run} asking={state.status === "waiting"} told />;
    case "note":
      return <p class="note"><Icon name="note" />{item.text}</p>;
    case "end":
      return <EndMark end={item.end} />;
    default:
      return item satisfies never;
  }
}

/** That it is over; what came of it stands above the stream. */
function EndMark({ end }: { readonly end: End }): JSX.Element {
  return <p class={`end-mark status-${end.status}`}><Icon name={end.status === "completed" ? "result" : "error"} />{endInWords(end)}</p>;
}

function endInWords(end: End): string {
  switch (end.status) {
    case "completed":
      return `Completed in ${duration(end.seconds)}`;
    case "failed":
      return `Failed: ${titled(end.kind).toLowerCase()}`;
    case "cancelled":
      return end.by === "" ? "Cancelled" : `Cancelled by ${end.by}`;
    default:
      return end satisfies never;
  }
}

/** What is typed is shown as it comes; once it is whole, and is Markdown, as what it is. Thoughts stay as they were. */
function Speech({ item }: { readonly item: SpeechItem }): JSX.Element {
  const whole = !item.open && item.channel === "text";
  if (whole && item.text.length <= LONGEST_FORMATTED_SPEECH && MARKED.test(item.text)) return <Markdown text={item.text} />;
  return (
    <p class={`speech ${item.channel}`}>
      {item.text}
      {item.open ? <span class="caret" aria-hidden="true" /> : null}
    </p>
  );
}

/** Characters that are read as Markdown within a frame, beside others. */
const LONGEST_FORMATTED_SPEECH = 3000;

/** Something that Markdown would show otherwise than it is written. */
const MARKED = /[`*_|[]|^\s*(?:#{1,6} |[-+>] |\d+[.)] )/m;

interface EntryProps {
  readonly item: Item;
  readonly state: RunState;
  readonly agent: string;
  readonly icon: IconName;
  readonly label: string;
  readonly children: ComponentChildren;
}

function Entry({ item, state, agent, icon, label, children }: EntryProps): JSX.Element {
  return (
    <article class={`entry kind-${item.kind}`}>
      <header>
        <AgentName agent={agent} hue={hueOf(state, agent)} />
        <span class="what"><Icon name={icon} />{label}</span>
        <Moment item={item} state={state} />
      </header>
      {children}
    </article>
  );
}

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function Moment({ item, state }: { readonly item: Item; readonly state: RunState }): JSX.Element {
  const at = new Date(item.time);
  return <time dateTime={at.toISOString()} title={MOMENT.format(at)}>{duration((item.time - state.startedAt) / 1000)}</time>;
}

type Openable = { readonly state: RunState; readonly open: boolean; readonly toggle: (open: boolean) => void };

const ICONS: Readonly<Record<AgentItem["what"], IconName>> = {
  think: "think",
  progress: "progress",
  decision: "decision",
  result: "result",
};
const LABELS: Readonly<Record<AgentItem["what"], string>> = {
  think: "thinks",
  progress: "gets on",
  decision: "decides",
  result: "found",
};

/** Details that are shown elsewhere, or that only programs need. */
const HIDDEN = new Set(["text", "artifact", "uri", "media_type"]);

function Said({ item, state, run, open, toggle }: Openable & { readonly item: AgentItem; readonly run: LiveRun }): JSX.Element {
  const facts = Object.fromEntries(Object.entries(item.details).filter(([name]) => !HIDDEN.has(name)));
  return (
    <Entry item={item} state={state} agent={item.agent} icon={item.artifact === null ? ICONS[item.what] : "file"} label={item.artifact === null ? LABELS[item.what] : "made"}>
      {item.artifact === null ? (
        <p class={`speech ${item.what}`}>{item.text}</p>
      ) : (
        <p class="speech">
          <a href={`#/runs/${encodeURIComponent(run.runId)}/artifacts/${encodeURIComponent(item.artifact.name)}`}>{item.artifact.title}</a>{" "}
          <span class="hint">{item.artifact.name}</span>
        </p>
      )}
      {Object.keys(facts).length === 0 ? null : <Details label="Details" open={open} toggle={toggle}><JsonTree value={facts} /></Details>}
    </Entry>
  );
}

function Supervisor({ item, state }: { readonly item: SupervisorItem; readonly state: RunState }): JSX.Element {
  const labels = { analysis: "looks", decision: "decides", routing: "sends" } as const;
  return (
    <Entry item={item} state={state} agent={SUPERVISOR} icon="decision" label={labels[item.what]}>
      {item.what === "analysis" || item.next === "" ? null : (
        <p class="decision">
          <span class={`to hue-${hueOf(state, item.next)}`}><Icon name="next" />{agentTitle(item.next)}</span>
          {item.what === "decision" && item.confidence !== null ? <Confidence value={item.confidence} /> : null}
        </p>
      )}
      <p class="speech">{item.reasoning}</p>
      {item.instructions === "" ? null : <p class="speech instructions">{item.instructions}</p>}
    </Entry>
  );
}

function Confidence({ value }: { readonly value: number }): JSX.Element {
  const percent = Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <span class="confidence">
      <meter min={0} max={100} value={percent} aria-label="Confidence">{percent} %</meter>
      {percent} % sure
    </span>
  );
}

function Tool({ item, state, open, toggle }: Openable & { readonly item: ToolItem }): JSX.Element {
  const { ended } = item;
  const stopped = ended === null && state.end !== null;
  const status = ended === null ? (stopped ? "stopped" : "running") : ended.ok ? "ok" : "failed";
  return (
    <article class={`entry tool-entry ${status}`}>
      <details open={open} onToggle={(event) => toggle(event.currentTarget.open)}>
        <summary>
          <span class={`dot hue-${hueOf(state, item.agent)}`} title={agentTitle(item.agent)} />
          <span class="visually-hidden">{agentTitle(item.agent)} uses </span>
          <Icon name="tool" />
          <span class="tool-label">{item.label}</span>
          <span class="tool-end">{ended === null ? status : `${ended.ok ? "" : "failed · "}${duration(ended.seconds)}`}</span>
        </summary>
        {open ? <ToolDetails item={item} /> : null}
      </details>
    </article>
  );
}

function ToolDetails({ item }: { readonly item: ToolItem }): JSX.Element {
  return (
    <div class="tool-details">
      <h4>Input</h4>
      <Input input={item.input} />
      {item.ended === null ? null : (
        <>
          <h4>Output</h4>
          <pre class="code" tabIndex={0} role="group" aria-label="Output"><code>{item.ended.output || "(nothing)"}</code></pre>
        </>
      )}
    </div>
  );
}

/** Long texts in a tool's input are shown as blocks, the rest as a tree. */
function Input({ input }: { readonly input: Json }): JSX.Element {
  const long = Object.keys(input).filter((name) => textIn(input, name).includes("\n"));
  const rest = Object.fromEntries(Object.entries(input).filter(([name]) => !long.includes(name)));
  return (
    <>
      <JsonTree value={rest} />
      {long.map((name) => (
        <div key={name}>
          <span class="json-name">{name}</span>
          <pre class="code" tabIndex={0} role="group" aria-label={name}><code>{textIn(input, name)}</code></pre>
        </div>
      ))}
    </>
  );
}

type DetailsProps = { readonly label: string; readonly open: boolean; readonly toggle: (open: boolean) => void; readonly children: ComponentChildren };

function Details({ label, open, toggle, children }: DetailsProps): JSX.Element {
  return (
    <details class="more" open={open} onToggle={(event) => toggle(event.currentTarget.open)}>
      <summary>{label}</summary>
      {open ? children : null}
    </details>
  );
}
