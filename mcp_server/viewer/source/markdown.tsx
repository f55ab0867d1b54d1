import type { Nodes, RootContent } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import { type ComponentChildren, Fragment, type JSX, type VNode } from "preact";
import { useMemo } from "preact/hooks";
import { Code } from "./code.tsx";

/**
 * Markdown that a model wrote, as elements. Every text ends in a text node: HTML in it is shown as it is written, images
 * as their description (they would be fetched from somewhere), and links lead to http, https and mailto only.
 */
export function Markdown({ text }: { readonly text: string }): JSX.Element {
  const tree = useMemo(
    () => fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }),
    [text],
  );
  return <div class="markdown">{children(tree.children)}</div>;
}

function children(nodes: readonly RootContent[]): ComponentChildren {
  return nodes.map((node, index) => <Fragment key={index}>{element(node)}</Fragment>);
}

function element(node: Nodes): ComponentChildren {
  switch (node.type) {
    case "text":
      return node.value;
    case "paragraph":
      return <p>{children(node.children)}</p>;
    case "heading":
      return heading(node.depth, children(node.children));
    case "emphasis":
      return <em>{children(node.children)}</em>;
    case "strong":
      return <strong>{children(node.children)}</strong>;
    case "delete":
      return <del>{children(node.children)}</del>;
    case "inlineCode":
      return <code>{node.value}</code>;
    case "code":
      return <Code text={node.value} language={node.lang ?? ""} />;
    case "blockquote":
      return <blockquote>{children(node.children)}</blockquote>;
    case "list":
      return node.ordered ? <ol start={node.start ?? 1}>{children(node.children)}</ol> : <ul>{children(node.children)}</ul>;
    case "listItem":
      return (
        <li>
          {typeof node.checked === "boolean" ? (node.checked ? "☑ " : "☐ ") : null}
          {node.children.length === 1 && node.children[0]?.type === "paragraph"
            ? children(node.children[0].children)
            : children(node.children)}
        </li>
      );
    case "table":
      return (
        <div class="table" tabIndex={0} role="group" aria-label="Table">
          <table>
            <tbody>{children(node.children)}</tbody>
          </table>
        </div>
      );
    case "tableRow":
      return <tr>{children(node.children)}</tr>;
    case "tableCell":
      return <td>{children(node.children)}</td>;
    case "link":
      return link(node.url, children(node.children));
    case "image":
      return node.alt ? `[${node.alt}]` : "[image]";
    case "break":
      return <br />;
    case "thematicBreak":
      return <hr />;
    case "html":
      return node.value;
    case "root":
      return children(node.children);
    case "imageReference":
      return node.alt ? `[${node.alt}]` : "[image]";
    case "linkReference":
      return children(node.children);
    case "footnoteReference":
      return `[${node.identifier}]`;
    case "footnoteDefinition":
      return (
        <div class="footnote">
          [{node.identifier}] {children(node.children)}
        </div>
      );
    case "definition":
    case "yaml":
      return null;
    default:
      return node satisfies never;
  }
}

/** A heading within a page that has headings of its own: the levels above are the page's. */
function heading(depth: number, content: ComponentChildren): VNode {
  if (depth <= 1) return <h3 class="md-1">{content}</h3>;
  return depth === 2 ? <h4 class="md-2">{content}</h4> : <h5 class="md-3">{content}</h5>;
}

function link(url: string, content: ComponentChildren): ComponentChildren {
  if (!/^(?:https?:\/\/|mailto:)/i.test(url)) return content;
  return (
    <a href={url} rel="noopener noreferrer nofollow" target="_blank">
      {content}
    </a>
  );
}
