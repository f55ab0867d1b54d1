import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "./actions.tsx";
import { Content } from "./content.tsx";
import { Icon } from "./icons.tsx";
import type { LiveRun } from "./live-run.ts";
import type { ArtifactLink, RunState } from "./state.ts";

interface ArtifactsProps {
  readonly run: LiveRun;
  readonly state: RunState;
  /** Name of the one that is shown; empty for none. */
  readonly selected: string;
}

/** What the agents have made, and one of them as what it is. */
export function Artifacts({ run, state, selected }: ArtifactsProps): JSX.Element | null {
  if (state.artifacts.length === 0 && selected === "") return null;
  const link = state.artifacts.find((artifact) => artifact.name === selected);
  return (
    <section class="panel artifacts" aria-labelledby="artifacts-title">
      <h2 id="artifacts-title">Artifacts</h2>
      <ul class="artifact-list">
        {state.artifacts.map((artifact) => (
          <li key={artifact.name}>
            <a href={hrefOf(run, artifact.name)} aria-current={artifact.name === selected ? "true" : undefined}>
              <Icon name="file" />
              <span>{artifact.title}</span>
              <span class="hint">{artifact.name}</span>
            </a>
          </li>
        ))}
      </ul>
      {selected === "" ? null : <Shown run={run} link={link ?? { name: selected, title: selected, mediaType: "" }} />}
    </section>
  );
}

function hrefOf(run: LiveRun, name: string): string {
  return `#/runs/${encodeURIComponent(run.runId)}/artifacts/${encodeURIComponent(name)}`;
}

function Shown({ run, link }: { readonly run: LiveRun; readonly link: ArtifactLink }): JSX.Element {
  const [text, setText] = useState<string | null>(null);
  const [problem, setProblem] = useState<Error | null>(null);
  useEffect(() => {
    let wanted = true;
    setText(null);
    setProblem(null);
    run.source.artifact(run.runId, link.name).then(
      (loaded) => wanted && setText(loaded),
      (error: unknown) => wanted && setProblem(error instanceof Error ? error : new Error(String(error))),
    );
    return () => {
      wanted = false;
    };
  }, [run, link.name]);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (text !== null) box.current?.scrollIntoView({ block: "nearest" });
  }, [text]);
  return (
    <div class="artifact" ref={box}>
      <div class="panel-head">
        <h3>{link.title} <span class="hint">{link.name}</span></h3>
        <a class="small" href={`#/runs/${encodeURIComponent(run.runId)}`}>Close</a>
      </div>
      {problem === null ? null : <Problem error={problem} />}
      {text === null && problem === null ? <p class="hint">Loading …</p> : null}
      {text === null ? null : <Content name={link.name} mediaType={link.mediaType} text={text} />}
    </div>
  );
}
