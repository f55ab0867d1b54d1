/**
 * Calls something at most once per animation frame, however often it is asked to.
 *
 * A hidden tab draws no frames; there it is called once a second, so that its title stays true.
 */
export class PerFrame {
  readonly #draw: () => void;
  #asked = false;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    const draw = (): void => {
      this.#asked = false;
      this.#draw();
    };
    if (document.hidden) setTimeout(draw, 1000);
    else requestAnimationFrame(draw);
  }
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
