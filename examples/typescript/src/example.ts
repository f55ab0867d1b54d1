// Starts a run and prints what happens, until it ends:
//
//   npm ci && npm run example -- "Add a --json flag to the report command"
//
// AGENT_WORKFLOWS_URL is the server (`agent-workflows serve --http 8000`), AGENT_WORKFLOWS_TOKEN its token if it has one.

import { env, argv, exit, stdout } from "node:process";
import { RunsClient } from "./client.ts";
import type { RunEvent } from "./events.ts";

const client = new RunsClient(env["AGENT_WORKFLOWS_URL"] ?? "http://127.0.0.1:8000", {
  token: () => env["AGENT_WORKFLOWS_TOKEN"] ?? null,
});

const task = argv.slice(2).join(" ") || "Add a function that turns titles into URL slugs, with tests";
const runId = await client.start("build_feature", { task });

for await (const event of client.follow(runId)) {
  if (event.type !== "token_stream") stdout.write(`${Math.floor(event.progress)} % ${lineOf(event)}\n`);
  if (event.type === "workflow_error") exit(1);
}

/** The event's own line, or what this program wants to say about it; `event` has the fields of its type here. */
function lineOf(event: RunEvent): string {
  switch (event.type) {
    case "supervisor_event":
      return `${event.event_type}: ${event.next_agent || "…"} (${event.reasoning})`;
    case "tool_end":
      return `${event.tool} ${event.ok ? "ok" : "failed"} after ${event.seconds} s`;
    case "workflow_completed":
      return `\n\n${event.final_response}`;
    default:
      return event.message;
  }
}
