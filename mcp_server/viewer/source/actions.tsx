import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { RequestFailed } from "../../../examples/typescript/src/errors.ts";
import { Form } from "./form.tsx";
import type { LiveRun } from "./live-run.ts";
import type { Action } from "./source.ts";

/** What a person may do about the run now: end it, tell it something, take it up again. */
export function Actions({ run }: { readonly run: LiveRun }): JSX.Element | null {
  const [busy, setBusy] = useState<Action["kind"] | null>(null);
  const [problem, setProblem] = useState<Error | null>(null);
  const [steering, setSteering] = useState(false);
  const confirm = useRef<HTMLDialogElement>(null);
  const advice = useRef<HTMLTextAreaElement>(null);
  const ended = run.head.value.end !== null;
  const interrupted = run.interrupted.value;
  useEffect(() => advice.current?.focus(), [steering]);
  const may = (kind: Action["kind"]): boolean => run.source.actions.has(kind);

  async function act(action: Action): Promise<boolean> {
    setBusy(action.kind);
    setProblem(null);
    try {
      await run.source.act(run.runId, action);
      return true;
    } catch (error) {
      setProblem(error instanceof Error ? error : new Error(String(error)));
      return false;
    } finally {
      setBusy(null);
    }
  }

  async function steer(entered: FormData): Promise<void> {
    const text = entered.get("text");
    if (typeof text !== "string" || text.trim() === "") return;
    if (await act({ kind: "steer", text: text.trim() })) setSteering(false);
  }

  function cancel(): void {
    confirm.current?.close();
    void act({ kind: "cancel" });
  }

  if (ended || run.history.length === 0) return null;
  return (
    <div class="actions">
      <div class="action-buttons">
        {interrupted && may("resume") ? (
          <button type="button" class="primary" disabled={busy !== null} onClick={() => void act({ kind: "resume" })}>
            {busy === "resume" ? "Resuming …" : "Resume"}
          </button>
        ) : null}
        {!interrupted && may("steer") ? (
          <button type="button" aria-expanded={steering} onClick={() => setSteering(!steering)}>Steer</button>
        ) : null}
        {may("cancel") ? (
          <button type="button" class="danger" disabled={busy !== null} onClick={() => confirm.current?.showModal()}>
            {busy === "cancel" ? "Cancelling …" : "Cancel"}
          </button>
        ) : null}
      </div>
      {steering ? (
        <Form class="steer" send={(entered) => void steer(entered)}>
          <label for="steer-text">Tell the agents something; it counts from the next decision on</label>
          <textarea id="steer-text" name="text" rows={2} required ref={advice} />
          <button type="submit" class="primary" disabled={busy !== null}>{busy === "steer" ? "Sending …" : "Send"}</button>
        </Form>
      ) : null}
      {problem === null ? null : <Problem error={problem} />}
      <dialog ref={confirm} class="confirm" aria-labelledby="confirm-title">
        <h2 id="confirm-title">Cancel this run?</h2>
        <p>Everything it started ends. What was finished so far is kept.</p>
        <div class="action-buttons">
          <button type="button" onClick={() => confirm.current?.close()}>Keep it running</button>
          <button type="button" class="danger-solid" onClick={() => cancel()}>Cancel the run</button>
        </div>
      </dialog>
    </div>
  );
}

/** An error and what helps. */
export function Problem({ error }: { readonly error: Error }): JSX.Element {
  const recovery = error instanceof RequestFailed ? error.recovery : [];
  return (
    <div class="problem" role="alert">
      <p>{error.message}</p>
      {recovery.length === 0 ? null : <ul>{recovery.map((line, index) => <li key={index}>{line}</li>)}</ul>}
    </div>
  );
}
