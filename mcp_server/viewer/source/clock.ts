import { useEffect, useState } from "preact/hooks";

/** Draws again every so often, for what shows how much time has passed. */
export function useTick(milliseconds: number, on = true): void {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => tick((count) => count + 1), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds, on]);
}
