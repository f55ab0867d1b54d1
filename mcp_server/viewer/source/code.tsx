import type { ElementContent, RootContent } from "hast";
import bash from "highlight.js/lib/languages/bash";
import css from "highlight.js/lib/languages/css";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";
import { type ComponentChildren, Fragment, type JSX } from "preact";
import { useMemo } from "preact/hooks";

const lowlight = createLowlight({ bash, css, go, java, json, python, rust, sql, typescript, xml, yaml });
const ALIASES: Readonly<Record<string, string>> = { js: "typescript", javascript: "typescript", html: "xml", shell: "bash" };

/** What is longer is shown plain: colours would take longer than a frame. */
const LONGEST_COLOURED = 40_000;

/** Code as it is written, coloured where its language is known. The highlighter gives a tree, of which texts are texts. */
export function Code({ text, language }: { readonly text: string; readonly language: string }): JSX.Element {
  const content = useMemo(() => coloured(text, language.toLowerCase()), [text, language]);
  return (
    <pre class="code" tabIndex={0} role="group" aria-label={language === "" ? "Code" : `Code, ${language}`}>
      <code>{content}</code>
    </pre>
  );
}

function coloured(text: string, language: string): ComponentChildren {
  const name = ALIASES[language] ?? language;
  if (text.length > LONGEST_COLOURED || !lowlight.registered(name)) return text;
  return nodes(lowlight.highlight(name, text).children);
}

function nodes(content: readonly (ElementContent | RootContent)[]): ComponentChildren {
  return content.map((node, index) => {
    if (node.type === "text") return node.value;
    if (node.type !== "element") return null;
    const names = node.properties["className"];
    return (
      <span key={index} class={Array.isArray(names) ? names.join(" ") : ""}>
        <Fragment>{nodes(node.children)}</Fragment>
      </span>
    );
  });
}
