import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { HttpSource } from "./http-source.ts";
import { Logo } from "./icons.tsx";
import { RunView } from "./run-view.tsx";
import { RunsList } from "./runs-list.tsx";
import { TokenPrompt } from "./token-prompt.tsx";

/** The whole page: the list of runs, and the one that the address names. */
export function Page(): JSX.Element {
  const { runId, artifact } = useRoute();
  const [entry, setEntry] = useState({ number: 0, refused: false });
  // A new source for every token: what was refused is asked for again.
  const source = useMemo(() => new HttpSource(), [entry.number]);
  const onRefused = (): void => setEntry((before) => ({ ...before, refused: true }));
  useEffect(() => {
    if (runId === "") document.title = "Runs · Agent workflows";
  }, [runId]);
  if (entry.refused) {
    return (
      <TokenPrompt
        refused={entry.number > 0}
        onToken={() => setEntry((before) => ({ number: before.number + 1, refused: false }))}
      />
    );
  }
  const list = <RunsList source={source} selected={runId} onRefused={onRefused} />;
  if (runId === "") {
    return (
      <div class="shell no-run">
        <main class="side">
          <h1 class="visually-hidden">Runs</h1>
          <Brand />
          {list}
        </main>
      </div>
    );
  }
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={toMain}>To the run</a>
      <aside class="side" aria-label="All runs">
        <Brand />
        {list}
      </aside>
      <div class="content" id="main" tabIndex={-1}>
        <nav class="back" aria-label="Back">
          <a href="#/">All runs</a>
        </nav>
        <RunView key={`${entry.number} ${runId}`} source={source} runId={runId} artifact={artifact} onRefused={onRefused} />
      </div>
    </div>
  );
}

function Brand(): JSX.Element {
  return (
    <a class="brand" href="#/">
      <Logo />
      Agent workflows
    </a>
  );
}

/** The address's fragment stays what it is: it names the run. */
function toMain(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** What the address's fragment names: `#/runs/ID` or `#/runs/ID/artifacts/NAME`. */
function useRoute(): { readonly runId: string; readonly artifact: string } {
  const [route, setRoute] = useState(routeIn(location.hash));
  useEffect(() => {
    const change = (): void => setRoute(routeIn(location.hash));
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  return route;
}

function routeIn(hash: string): { readonly runId: string; readonly artifact: string } {
  const match = /^#\/runs\/([^/]+)(?:\/artifacts\/([^/]+))?$/.exec(hash);
  return { runId: decoded(match?.[1]), artifact: decoded(match?.[2]) };
}

function decoded(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? "");
  } catch {
    return ""; // no address of ours
  }
}
