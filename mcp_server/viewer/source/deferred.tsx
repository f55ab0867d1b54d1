import { type ComponentChildren, Fragment, type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

interface DeferredProps {
  /** How many frames later. */
  readonly frames: number;
  readonly children: ComponentChildren;
}

/** Shows a part of the page some frames later, so that opening a long run is no one long frame. */
export function Deferred({ frames, children }: DeferredProps): JSX.Element {
  const [left, count] = useState(frames);
  useEffect(() => {
    if (left <= 0) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // In a task of its own: the frame has enough to do with what else is new in it.
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(() => count(left - 1));
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [left]);
  return <Fragment>{left > 0 ? null : children}</Fragment>;
}
