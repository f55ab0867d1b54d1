import type { JSX } from "preact";
import { Form } from "./form.tsx";
import { storeToken } from "./http-source.ts";

/** Asks for the server's token. */
export function TokenPrompt({ refused, onToken }: { readonly refused: boolean; readonly onToken: () => void }): JSX.Element {
  function take(entered: FormData): void {
    const token = entered.get("token");
    if (typeof token !== "string" || token.trim() === "") return;
    storeToken(token.trim());
    onToken();
  }
  return (
    <main class="token">
      <Form send={take}>
        <h1>Agent workflows</h1>
        <label for="token">This server asks for a token</label>
        <input id="token" name="token" type="password" required autoComplete="off" aria-describedby="token-hint" autoFocus />
        <p id="token-hint" class="hint">It is kept until this tab is closed, and sent to this server only.</p>
        {refused ? <p class="problem" role="alert">The server does not know this token.</p> : null}
        <button type="submit" class="primary">Open</button>
      </Form>
    </main>
  );
}
