import type { Json } from "./state.ts";

// What a question's JSON Schema asks for, as fields of a form.

export type Field = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly required: boolean;
  readonly initial: unknown;
} & (
  | { readonly kind: "text"; readonly long: boolean; readonly maxLength: number | null }
  | { readonly kind: "choice"; readonly choices: readonly unknown[] }
  | { readonly kind: "yes-no" }
  | { readonly kind: "number"; readonly whole: boolean; readonly min: number | null; readonly max: number | null }
  | { readonly kind: "lines" }
  /** What has no field of its own is written as JSON. */
  | { readonly kind: "json" }
);

/** The fields of an answer; the answer is an object of them, or the one value if the schema is of no object. */
export function fieldsOf(schema: Json): { readonly fields: readonly Field[]; readonly single: boolean } {
  const whole = resolved(schema, schema);
  const properties = object(whole["properties"]);
  if (properties === null) return { fields: [fieldOf("answer", whole, schema, true)], single: true };
  const required = Array.isArray(whole["required"]) ? whole["required"] : [];
  const fields = Object.entries(properties).map(([name, property]) =>
    fieldOf(name, resolved(object(property) ?? {}, schema), schema, required.includes(name)),
  );
  return { fields, single: false };
}

function fieldOf(name: string, schema: Json, root: Json, required: boolean): Field {
  const common = {
    name,
    title: text(schema["title"]) || name.replaceAll("_", " "),
    description: text(schema["description"]),
    required,
    initial: schema["default"],
  };
  if (Array.isArray(schema["enum"])) return { ...common, kind: "choice", choices: schema["enum"] };
  switch (schema["type"]) {
    case "string": {
      const maxLength = number(schema["maxLength"]);
      return { ...common, kind: "text", long: maxLength === null || maxLength > 200, maxLength };
    }
    case "boolean":
      return { ...common, kind: "yes-no" };
    case "integer":
    case "number": {
      const [min, max] = [number(schema["minimum"]), number(schema["maximum"])];
      return { ...common, kind: "number", whole: schema["type"] === "integer", min, max };
    }
    case "array": {
      const items = resolved(object(schema["items"]) ?? {}, root);
      return { ...common, kind: items["type"] === "string" && !("enum" in items) ? "lines" : "json" };
    }
    default:
      return { ...common, kind: "json" };
  }
}

/** A schema with its reference followed, and with the one alternative that is not null taken. */
function resolved(schema: Json, root: Json, depth = 0): Json {
  if (depth > 8) return {};
  const name = /^#\/\$defs\/(.+)$/.exec(text(schema["$ref"]))?.[1];
  const target = name === undefined ? null : object(object(root["$defs"])?.[name]);
  if (target !== null) return { ...resolved(target, root, depth + 1), ...without(schema, "$ref") };
  const options = Array.isArray(schema["anyOf"]) ? schema["anyOf"].map(object) : [];
  const [only, ...others] = options.filter((option) => option !== null && option["type"] !== "null");
  if (only != null && others.length === 0) return { ...resolved(only, root, depth + 1), ...without(schema, "anyOf") };
  return "const" in schema ? { ...schema, enum: [schema["const"]] } : schema;
}

/**
 * What was put into a field, as a JSON value; undefined where nothing was.
 *
 * @throws SyntaxError It is no such value.
 */
export function valueOf(field: Field, entered: string | boolean): unknown {
  if (typeof entered === "boolean") return entered;
  const trimmed = entered.trim();
  switch (field.kind) {
    case "yes-no":
      return entered === "true";
    case "text":
      return trimmed === "" && !field.required ? undefined : entered;
    case "choice":
      return entered === "" ? undefined : field.choices[Number(entered)];
    case "number": {
      if (trimmed === "") return undefined;
      if (!Number.isFinite(Number(trimmed))) throw new SyntaxError(`${field.title}: ${trimmed} is no number.`);
      return Number(trimmed);
    }
    case "lines":
      return entered.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    case "json":
      try {
        return trimmed === "" ? undefined : (JSON.parse(trimmed) as unknown);
      } catch (error) {
        throw new SyntaxError(`${field.title}: this is no JSON (${error instanceof Error ? error.message : "?"}).`);
      }
    default:
      return field satisfies never;
  }
}

function without(schema: Json, name: string): Json {
  return Object.fromEntries(Object.entries(schema).filter(([other]) => other !== name));
}

function object(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
