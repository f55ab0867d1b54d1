import type { ComponentChildren, JSX, TargetedMouseEvent } from "preact";

interface FormProps {
  readonly class?: string;
  /** Called with what was put in, if the browser finds nothing wrong with it. */
  readonly send: (entered: FormData) => void;
  readonly children: ComponentChildren;
}

/**
 * Fields and a button of the type `submit`, which calls a function.
 *
 * It goes by the button's click, which Enter in a field gives as well. The frame in which a host shows the page need not
 * allow forms, and browsers then tell of no `submit`.
 */
export function Form({ class: name = "", send, children }: FormProps): JSX.Element {
  function clicked(event: TargetedMouseEvent<HTMLFormElement>): void {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (button?.type !== "submit") return;
    event.preventDefault();
    if (event.currentTarget.reportValidity()) send(new FormData(event.currentTarget));
  }
  return <form class={name} onClick={clicked}>{children}</form>;
}
