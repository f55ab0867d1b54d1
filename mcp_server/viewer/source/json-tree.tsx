import type { JSX } from "preact";

/** What is deeper is shown as text. */
const DEEPEST = 12;
const MOST_ENTRIES = 200;

/** A JSON value that can be opened level by level. */
export function JsonTree({ value, depth = 0 }: { readonly value: unknown; readonly depth?: number }): JSX.Element {
  if (typeof value !== "object" || value === null) return <Plain value={value} />;
  const entries = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value);
  if (entries.length === 0) return <span class="json-empty">{Array.isArray(value) ? "[ ]" : "{ }"}</span>;
  if (depth >= DEEPEST) return <span class="json-text">{JSON.stringify(value)}</span>;
  return (
    <ul class="json">
      {entries.slice(0, MOST_ENTRIES).map(([name, item]) => (
        <li key={name}>
          {simple(item) ? (
            <>
              <span class="json-name">{name}</span> <Plain value={item} />
            </>
          ) : (
            <details open={depth < 1}>
              <summary>
                <span class="json-name">{name}</span>{" "}
                <span class="json-size">{Array.isArray(item) ? `${item.length} items` : `${Object.keys(item as object).length} fields`}</span>
              </summary>
              <JsonTree value={item} depth={depth + 1} />
            </details>
          )}
        </li>
      ))}
      {entries.length > MOST_ENTRIES ? <li>… and {entries.length - MOST_ENTRIES} more</li> : null}
    </ul>
  );
}

function simple(value: unknown): boolean {
  return typeof value !== "object" || value === null || Object.keys(value).length === 0;
}

function Plain({ value }: { readonly value: unknown }): JSX.Element {
  if (typeof value === "string") return <span class="json-text">{value === "" ? '""' : value}</span>;
  if (typeof value === "object" && value !== null) return <span class="json-empty">{Array.isArray(value) ? "[ ]" : "{ }"}</span>;
  return <span class="json-plain">{String(value)}</span>;
}
