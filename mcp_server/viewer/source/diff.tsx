import type { JSX } from "preact";
import { useMemo } from "preact/hooks";

type Kind = "added" | "removed" | "file" | "hunk" | "same";

/** Lines that are shown; a diff of more is cut, and says so. */
const MOST_LINES = 4000;

/** A unified diff. What was added or removed is told by its sign, not by colour alone. */
export function Diff({ text }: { readonly text: string }): JSX.Element {
  const lines = useMemo(() => text.replace(/\n$/, "").split("\n"), [text]);
  return (
    <div class="diff" tabIndex={0} role="group" aria-label="Diff">
      <code>
        {lines.slice(0, MOST_LINES).map((line, index) => (
          <span key={index} class={`diff-line ${kindOf(line)}`}>
            {line}
            {"\n"}
          </span>
        ))}
        {lines.length > MOST_LINES ? `… and ${lines.length - MOST_LINES} more lines` : null}
      </code>
    </div>
  );
}

function kindOf(line: string): Kind {
  if (/^(?:diff |index |--- |\+\+\+ |new file|deleted file|similarity|rename )/.test(line)) return "file";
  if (line.startsWith("@@")) return "hunk";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "same";
}
