// Writes src/events.ts from the JSON Schema of the events: `npm run types`. A test fails if the file is not up to date.

import { readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";

const schema = JSON.parse(await readFile(new URL("../../mcp_server/http/events.schema.json", import.meta.url), "utf8"));

// A property that may be anything has no type in its schema; the generator would take it for an object.
for (const definition of Object.values(schema.$defs)) {
  for (const property of Object.values(definition.properties ?? {})) {
    if (!["type", "$ref", "const", "enum", "oneOf", "anyOf"].some((name) => name in property)) property.tsType = "unknown";
  }
}

const types = await compile(schema, "RunEvent", {
  bannerComment: "// What happens in a run. Generated from the JSON Schema of the events by `npm run types`: do not edit.",
  additionalProperties: false,
  unreachableDefinitions: true,
  style: { printWidth: 120 },
});

const target = new URL(process.argv[2] ?? "src/events.ts", import.meta.url);
await writeFile(target, types);
