/** What is to be called before the next frame: all of it in one go, so that Preact draws once for all of it. */
const asked = new Set<() => void>();

/**
 * Calls something at most once per animation frame, however often it is asked to.
 *
 * A hidden tab draws no frames; there it is called once a second, so that its title stays true.
 */
export class PerFrame {
  readonly #draw: () => void;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  ask(): void {
    if (asked.size === 0) {
      if (document.hidden) setTimeout(drawAll, 1000);
      else requestAnimationFrame(drawAll);
    }
    asked.add(this.#draw);
  }
}

function drawAll(): void {
  const draws = [...asked];
  asked.clear();
  for (const draw of draws) draw();
}

/** Lets the browser draw and answer the person before going on. */
export async function breathe(): Promise<void> {
  await new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
