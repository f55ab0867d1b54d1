import type { JSX } from "preact";
import { Code } from "./code.tsx";
import { Diff } from "./diff.tsx";
import { JsonTree } from "./json-tree.tsx";
import { Markdown } from "./markdown.tsx";
import { whole } from "./wording.ts";

/** Characters that are formatted; what is longer is shown plain, and what is much longer is cut. */
const LONGEST_FORMATTED = 200_000;
const LONGEST_SHOWN = 1_000_000;

const LANGUAGES: Readonly<Record<string, string>> = {
  css: "css", go: "go", html: "xml", java: "java", js: "typescript", jsx: "typescript", py: "python", rs: "rust",
  sh: "bash", sql: "sql", ts: "typescript", tsx: "typescript", xml: "xml", yaml: "yaml", yml: "yaml",
};

/** What an agent made, as what it is: Markdown, a diff, JSON, code, or plain text. */
export function Content(made: { readonly name: string; readonly mediaType: string; readonly text: string }): JSX.Element {
  const { name, mediaType, text } = made;
  const kind = mediaType.split(";", 1)[0]?.trim() ?? "";
  const end = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  if (text.length > LONGEST_FORMATTED) return <Long text={text} />;
  if (kind === "text/markdown" || end === "md") return <Markdown text={text} />;
  if (kind === "text/x-diff" || kind === "text/x-patch" || end === "diff" || end === "patch") return <Diff text={text} />;
  if (kind === "application/json" || end === "json") return <Json text={text} />;
  return <Code text={text} language={LANGUAGES[end] ?? /^(?:text|application)\/x-(\w+)$/.exec(kind)?.[1] ?? ""} />;
}

function Json({ text }: { readonly text: string }): JSX.Element {
  try {
    const value: unknown = JSON.parse(text);
    return <JsonTree value={value} />;
  } catch {
    return <Code text={text} language="" />; // it says that it is JSON, and is not
  }
}

function Long({ text }: { readonly text: string }): JSX.Element {
  const cut = text.length > LONGEST_SHOWN;
  return (
    <>
      {cut ? <p class="hint">The first million of {whole(text.length)} characters.</p> : null}
      <Code text={cut ? text.slice(0, LONGEST_SHOWN) : text} language="" />
    </>
  );
}
