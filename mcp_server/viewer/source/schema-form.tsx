import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Form } from "./form.tsx";
import { type Field, fieldsOf, valueOf } from "./schema.ts";
import type { Json } from "./state.ts";

interface SchemaFormProps {
  readonly id: string;
  readonly schema: Json;
  /** Rejects if the answer is not taken. */
  readonly submit: (answer: unknown) => Promise<void>;
  /** Refuses to answer; null where one cannot. */
  readonly decline: (() => Promise<void>) | null;
}

/** A form for an answer that a JSON Schema describes. */
export function SchemaForm({ id, schema, submit, decline }: SchemaFormProps): JSX.Element {
  const { fields, single } = useMemo(() => fieldsOf(schema), [schema]);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function attempt(work: () => Promise<void>): Promise<void> {
    setBusy(true);
    setProblem("");
    try {
      await work();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  }

  function send(entered: FormData): void {
    void attempt(async () => {
      const values = fields.map((field) => [field.name, valueOf(field, enteredIn(entered, field))] as const);
      await submit(single ? values[0]?.[1] : Object.fromEntries(values.filter(([, value]) => value !== undefined)));
    });
  }

  return (
    <Form class="answer" send={send}>
      {fields.map((field) => (
        <FieldInput key={field.name} id={`${id}-${field.name}`} field={field} />
      ))}
      {problem === "" ? null : <p class="problem" role="alert">{problem}</p>}
      <div class="action-buttons">
        <button type="submit" class="primary" disabled={busy}>{busy ? "Sending …" : "Answer"}</button>
        {decline === null ? null : <button type="button" disabled={busy} onClick={() => void attempt(decline)}>Decline</button>}
      </div>
    </Form>
  );
}

function enteredIn(form: FormData, field: Field): string | boolean {
  if (field.kind === "yes-no") return form.get(field.name) === "on";
  const value = form.get(field.name);
  return typeof value === "string" ? value : "";
}

function FieldInput({ id, field }: { readonly id: string; readonly field: Field }): JSX.Element {
  const hint = field.description === "" ? undefined : `${id}-hint`;
  const described = hint === undefined ? null : <p id={hint} class="hint">{field.description}</p>;
  if (field.kind === "yes-no") {
    return (
      <div class="field">
        <label class="check">
          <input type="checkbox" name={field.name} defaultChecked={field.initial === true} aria-describedby={hint} />
          {field.title}
        </label>
        {described}
      </div>
    );
  }
  return (
    <div class="field">
      <label for={id}>{field.title}{field.required ? "" : <span class="optional"> (optional)</span>}</label>
      <Input id={id} field={field} hint={hint} />
      {described}
    </div>
  );
}

type InputProps = { readonly id: string; readonly field: Field; readonly hint: string | undefined };

function Input({ id, field, hint }: InputProps): JSX.Element {
  const common = { id, name: field.name, required: field.required, "aria-describedby": hint };
  const initial = typeof field.initial === "string" || typeof field.initial === "number" ? String(field.initial) : "";
  switch (field.kind) {
    case "choice":
      return (
        <select {...common}>
          {field.required && field.initial !== undefined ? null : <option value="">Choose …</option>}
          {field.choices.map((choice, index) => (
            <option key={index} value={index} selected={choice === field.initial}>{String(choice).replaceAll("_", " ")}</option>
          ))}
        </select>
      );
    case "number":
      return (
        <input {...common} type="number" step={field.whole ? 1 : "any"} min={field.min ?? undefined} max={field.max ?? undefined} defaultValue={initial} />
      );
    case "text":
      return field.long ? (
        <textarea {...common} rows={3} maxLength={field.maxLength ?? undefined} defaultValue={initial} />
      ) : (
        <input {...common} type="text" maxLength={field.maxLength ?? undefined} defaultValue={initial} />
      );
    case "lines":
      return <textarea {...common} rows={3} placeholder="One per line" />;
    case "json":
      return <textarea {...common} rows={4} class="mono" placeholder="JSON" />;
    case "yes-no":
      throw new Error("a check box has its label around it");
    default:
      return field satisfies never;
  }
}
