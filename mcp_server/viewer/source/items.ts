import type { AgentEvent, TokenStream } from "../../../examples/typescript/src/events.ts";
import { laneName } from "./lanes.ts";
import type { ArtifactLink, At, Item, RunState } from "./state.ts";
import { textIn } from "./wording.ts";

// The stream of a run: what was said and done, in order.

/** Characters of one item of live text; what goes on is another item, so that no item is costly to draw. */
const LONGEST_SPEECH = 4000;

/**
 * Add an item; an agent's newest one is remembered, so that what it goes on to say finds it.
 *
 * Whoever does something else has finished speaking.
 */
export function addItem(state: RunState, item: Item): RunState {
  if (!("agent" in item)) return { ...state, items: state.items.append(item) };
  const lane = laneName(state, item.agent);
  const items = closeSpeechIn(state, lane).items.append(item);
  return { ...state, items, newest: new Map(state.newest).set(lane, items.length - 1) };
}

/** A piece of live text: it continues what the agent was saying, or begins something new. */
export function type(state: RunState, event: TokenStream, at: At): RunState {
  const { agent, channel, text } = event;
  const [index, item] = newestOf(state, agent);
  if (item?.kind === "speech" && item.open && item.agent === agent && item.channel === channel && item.text.length < LONGEST_SPEECH) {
    return withItem(state, index, { ...item, text: item.text + text });
  }
  return addItem(state, { kind: "speech", ...at, agent, channel, text, open: true });
}

/** What an agent said at once. Where it repeats what the agent has just typed, that is closed and nothing is added. */
export function say(state: RunState, event: AgentEvent, at: At): RunState {
  const { agent, event_type: what, details } = event;
  const text = textIn(details, "text");
  const [index, item] = newestOf(state, agent);
  if (what === "think" && item?.kind === "speech" && item.agent === agent && item.open && same(item.text, text)) {
    return withItem(state, index, { ...item, open: false });
  }
  const artifact = artifactOf(details);
  const said = { kind: "agent", ...at, agent, what, text: text || event.message, details, artifact } as const;
  const told = addItem(state, said);
  if (artifact === null) return told;
  return { ...told, artifacts: [...state.artifacts.filter((other) => other.name !== artifact.name), artifact] };
}

/** Everybody has finished speaking. */
export function closeSpeech(state: RunState): RunState {
  return [...state.newest.keys()].reduce(closeSpeechIn, state);
}

/** Who speaks in a lane has finished. */
export function closeSpeechIn(state: RunState, lane: string): RunState {
  const index = state.newest.get(lane);
  const item = index === undefined ? undefined : state.items.at(index);
  return index !== undefined && item?.kind === "speech" && item.open ? withItem(state, index, { ...item, open: false }) : state;
}

/** The item under which something lasts that has a key, changed by a function. */
export function changeOpen(state: RunState, key: string, change: (item: Item) => Item): RunState {
  const where = state.open.get(key);
  const item = where && state.items.at(where.item);
  return where === undefined || item === undefined ? state : withItem(state, where.item, change(item));
}

function withItem(state: RunState, index: number, item: Item): RunState {
  return { ...state, items: state.items.replace(index, item) };
}

function newestOf(state: RunState, agent: string): [number, Item | undefined] {
  const index = state.newest.get(laneName(state, agent)) ?? -1;
  return [index, index < 0 ? undefined : state.items.at(index)];
}

function same(typed: string, said: string): boolean {
  return said !== "" && typed.trim() === said.trim();
}

function artifactOf(details: Readonly<Record<string, unknown>>): ArtifactLink | null {
  const name = textIn(details, "artifact");
  if (name === "") return null;
  return { name, title: textIn(details, "text") || name, mediaType: textIn(details, "media_type") };
}
