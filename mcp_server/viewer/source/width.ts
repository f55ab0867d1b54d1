import { useEffect, useState } from "preact/hooks";

/** How wide an element is inside, in whole pixels, now and whenever that changes; 0 before it is known. */
export function useWidth(element: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (element.current === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // It is told in the midst of a frame, which what is drawn anew would make longer: that is a task of its own.
    const observer = new ResizeObserver(([entry]) => {
      clearTimeout(timer);
      timer = setTimeout(() => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    });
    observer.observe(element.current);
    return () => {
      observer.disconnect();
      clearTimeout(timer);
    };
  }, []);
  return width;
}
