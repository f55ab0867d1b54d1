import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from "@tanstack/virtual-core";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AppendList } from "./append-list.ts";
import { PerFrame } from "./frames.ts";
import type { LiveRun } from "./live-run.ts";
import type { Item, RunState } from "./state.ts";
import { StreamItem } from "./stream-item.tsx";

/** How near to its end the stream has to be scrolled so that it follows what is new. */
const NEAR_END_PX = 60;

/** Everything that was said and done, newest last. Only what is seen is in the document, however long the run is. */
export function Stream({ run, state }: { readonly run: LiveRun; readonly state: RunState }): JSX.Element {
  const [filter, setFilter] = useState("");
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const items = useMemo(() => filtered(state.items, filter), [state.items, filter]);
  const scroller = useRef<HTMLDivElement>(null);
  const { virtualizer, follow } = useVirtualizer(items, scroller);
  const rows = virtualizer.getVirtualItems();
  const toNewest = (): void => {
    follow.current = true;
    virtualizer.scrollToIndex(items.length - 1, { align: "end" });
  };
  const toggle = (seq: number, open: boolean): void => {
    if (opened.has(seq) === open) return;
    const next = new Set(opened);
    if (open) next.add(seq);
    else next.delete(seq);
    setOpened(next);
  };
  return (
    <section class="panel stream" aria-labelledby="stream-title">
      <div class="panel-head">
        <h2 id="stream-title">What happens</h2>
        <Filter state={state} value={filter} onChange={setFilter} />
      </div>
      <div class="stream-scroll" ref={scroller} tabIndex={0} role="region" aria-label="Stream of what agents say and do">
        <div class="stream-all" style={{ height: `${virtualizer.getTotalSize()}px` }}>
          <ol class="stream-window" style={{ transform: `translateY(${rows[0]?.start ?? 0}px)` }}>
            {rows.map((row) => {
              const item = items.at(row.index);
              return item === undefined ? null : (
                <li
                  key={item.seq}
                  data-index={row.index}
                  data-seq={item.seq}
                  aria-setsize={items.length}
                  aria-posinset={row.index + 1}
                  ref={virtualizer.measureElement}
                >
                  <StreamItem
                    item={item}
                    state={state}
                    run={run}
                    open={opened.has(item.seq)}
                    onToggle={toggle}
                  />
                </li>
              );
            })}
          </ol>
        </div>
      </div>
      {follow.current || items.length === 0 ? null : (
        <button type="button" class="small to-newest" onClick={toNewest}>
          To the newest
        </button>
      )}
    </section>
  );
}

interface FilterProps {
  readonly state: RunState;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Filter({ state, value, onChange }: FilterProps): JSX.Element {
  return (
    <select class="filter" aria-label="Show" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">Everything</option>
      <option value="kind decisions">Decisions and results</option>
      <option value="kind tool">Tool calls</option>
      {state.lanes.map((lane) => (
        <option key={lane.agent} value={`agent ${lane.agent}`}>{lane.agent}</option>
      ))}
    </select>
  );
}

function filtered(items: AppendList<Item>, filter: string): { at(index: number): Item | undefined; readonly length: number } {
  if (filter === "") return items;
  return [...items].filter((item) => {
    if (item.kind === "stage" || item.kind === "gate" || item.kind === "end") return true;
    if (filter === "kind tool") return item.kind === "tool";
    if (filter === "kind decisions") {
      return item.kind === "supervisor" || (item.kind === "agent" && (item.what === "decision" || item.what === "result"));
    }
    const agent = item.kind === "supervisor" ? "supervisor" : "agent" in item ? item.agent : "";
    return agent === filter.slice("agent ".length);
  });
}

type Rows = Virtualizer<HTMLDivElement, HTMLLIElement>;

/** The library's virtualizer, kept over the component's life; what it reports draws the component again. */
function useVirtualizer(
  items: { at(index: number): Item | undefined; readonly length: number },
  scroller: { readonly current: HTMLDivElement | null },
): { readonly virtualizer: Rows; readonly follow: { current: boolean } } {
  const [, redraw] = useState(0);
  const follow = useRef(true);
  // What is scrolled to is drawn in the same frame, as browsers tell of scrolling before they ask for the frame.
  const frame = useMemo(() => new PerFrame(() => redraw((count) => count + 1)), []);
  const newest = useRef(items);
  newest.current = items;
  // Functions that stay the same: with new ones the library measures everything anew, for every frame.
  const steady = useMemo(
    () => ({
      getScrollElement: () => scroller.current,
      estimateSize: (index: number) => estimated(newest.current.at(index)),
      getItemKey: (index: number) => newest.current.at(index)?.seq ?? index,
      overscan: 3,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      onChange: () => frame.ask(),
    }),
    [],
  );
  const options = { ...steady, count: items.length };
  const kept = useRef<Rows>(undefined);
  const virtualizer = (kept.current ??= new Virtualizer<HTMLDivElement, HTMLLIElement>(options));
  virtualizer.setOptions(options);
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useEffect(() => {
    const element = scroller.current;
    return element === null ? undefined : followUnlessScrolled(element, follow);
  }, []);
  useLayoutEffect(() => {
    virtualizer._willUpdate();
    const element = scroller.current;
    if (follow.current && element !== null) element.scrollTop = element.scrollHeight;
  });
  return { virtualizer, follow };
}

const SCROLLED_BY = ["wheel", "touchmove", "pointerdown", "keydown"] as const;

/** Somebody who scrolls away from the end stops following; whoever is at the end follows. What the page scrolls is neither. */
function followUnlessScrolled(element: HTMLElement, follow: { current: boolean }): () => void {
  let byHand = -Infinity;
  const touched = (): void => {
    byHand = performance.now();
  };
  const scrolled = (): void => {
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
    if (atEnd) follow.current = true;
    else if (performance.now() - byHand < 1000) follow.current = false;
  };
  SCROLLED_BY.forEach((name) => element.addEventListener(name, touched, { passive: true }));
  // Captured, so that it is known before the virtualizer hears of the same event and draws.
  element.addEventListener("scroll", scrolled, { passive: true, capture: true });
  return () => {
    SCROLLED_BY.forEach((name) => element.removeEventListener(name, touched));
    element.removeEventListener("scroll", scrolled, { capture: true });
  };
}

/** Roughly how high an item will be, before it is measured. */
function estimated(item: Item | undefined): number {
  switch (item?.kind) {
    case "speech":
      return 44 + 21 * Math.ceil(item.text.length / 90);
    case "tool":
      return 38;
    case "stage":
      return 46;
    default:
      return 72;
  }
}
