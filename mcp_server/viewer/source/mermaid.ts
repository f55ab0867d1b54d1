/** A workflow's graph: which node may follow which. Start and end are the empty name. */
export interface Declared {
  readonly nodes: readonly string[];
  readonly edges: readonly (readonly [from: string, to: string])[];
}

/**
 * The nodes and edges in a Mermaid flow chart as LangGraph writes it: `name(label)` and `a --> b`, `a -.-> b`,
 * `a -. label .-> b`, one a line. Whatever else there is, is passed over.
 */
export function declaredIn(mermaid: string): Declared {
  const nodes = new Set<string>();
  const edges: [string, string][] = [];
  for (const line of mermaid.split("\n").map((one) => one.trim())) {
    const edge = /^([\w-]+) +(?:-->|-\.->|-- .* -->|-\. .* \.->) +([\w-]+);$/.exec(line);
    const node = /^([\w-]+)\(.*\)(?::::\w+)?$/.exec(line);
    if (edge?.[1] !== undefined && edge[2] !== undefined) edges.push([named(edge[1]), named(edge[2])]);
    else if (node?.[1] !== undefined) nodes.add(named(node[1]));
  }
  nodes.delete("");
  return { nodes: [...nodes], edges };
}

function named(name: string): string {
  return name === "__start__" || name === "__end__" ? "" : name;
}
