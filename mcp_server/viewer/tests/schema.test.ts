import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldsOf, valueOf } from "../source/schema.ts";

test("a model's schema becomes one field for each of its properties", () => {
  const { fields, single } = fieldsOf({
    type: "object",
    required: ["approved", "mode"],
    $defs: { Mode: { type: "string", enum: ["fast", "slow"] } },
    properties: {
      approved: { type: "boolean", title: "Approved" },
      mode: { $ref: "#/$defs/Mode", description: "How." },
      note: { anyOf: [{ type: "string", maxLength: 100 }, { type: "null" }], default: null },
      rounds: { type: "integer", minimum: 1, maximum: 5, default: 2 },
      files: { type: "array", items: { type: "string" } },
      more: { type: "object" },
    },
  });

  assert.equal(single, false);
  assert.deepEqual(fields.map(({ name, kind, required }) => [name, kind, required]), [
    ["approved", "yes-no", true],
    ["mode", "choice", true],
    ["note", "text", false],
    ["rounds", "number", false],
    ["files", "lines", false],
    ["more", "json", false],
  ]);
  const values = fields.map((field, index) => valueOf(field, [true, "1", "", "3", "a\n b \n", '{"x": 1}'][index] ?? ""));
  assert.deepEqual(values, [true, "slow", undefined, 3, ["a", "b"], { x: 1 }]);
});

test("a schema of no object asks for one value", () => {
  assert.deepEqual(fieldsOf({ type: "boolean" }).single, true);
  assert.deepEqual(fieldsOf({}).fields[0]?.kind, "json");
});

test("what is no number and what is no JSON is refused by name", () => {
  const [count, more] = fieldsOf({ properties: { count: { type: "number" }, more: {} } }).fields;

  assert.throws(() => valueOf(count!, "many"), /count: many is no number/);
  assert.throws(() => valueOf(more!, "{"), /more: this is no JSON/);
});

test("a schema that refers to itself does not hang the page", () => {
  const { fields } = fieldsOf({ $ref: "#/$defs/A", $defs: { A: { $ref: "#/$defs/A" } } });

  assert.equal(fields.length, 1);
});
