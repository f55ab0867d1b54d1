import { render } from "preact";
import { HostBridge, type ToolResult } from "./host-bridge.ts";
import { HostSource } from "./host-source.ts";
import { RunView } from "./run-view.tsx";
import "./styles/page.css";

// The page as an MCP App: one run, that of the tool call beside which the host shows it.

/** Between two looks for the run of a call that is under way; a host tells the page its input, not its run. */
const LOOK_MS = 1000;

const host = new HostBridge();
const source = new HostSource(host);
let runId = "";

/** Whether two inputs are the same where the run has something: it has no options, and its defaults filled in. */
function belongs(asked: string, input: Readonly<Record<string, unknown>>): boolean {
  const given = Object.values(input).find((value): value is string => typeof value === "string" && value.trim() !== "");
  const line = given?.replaceAll(/\s+/g, " ").trim() ?? "";
  return line !== "" && asked !== "" && line.startsWith(asked.replace(/…$/, "").trim());
}

async function findRun(input: Readonly<Record<string, unknown>>): Promise<void> {
  while (runId === "") {
    const { runs } = (await host.callTool("list_runs", { limit: 10 })) as { runs?: readonly { run_id: string; asked?: string }[] };
    const found = runs?.find((run) => belongs(run.asked ?? "", input));
    if (found !== undefined) show(found.run_id);
    else await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function show(id: unknown): void {
  if (typeof id !== "string" || id === "" || id === runId) return;
  runId = id;
  draw();
}

function say(text: string): void {
  const place = document.getElementById("page");
  if (place !== null) render(<main class="run"><p class="hint loading">{text}</p></main>, place);
}

function draw(): void {
  const place = document.getElementById("page");
  const [, artifact = ""] = /^#\/runs\/[^/]+\/artifacts\/([^/]+)$/.exec(location.hash) ?? [];
  if (place === null || runId === "") return;
  render(
    <div class="content">
      <RunView key={runId} source={source} runId={runId} artifact={decodeURIComponent(artifact)} onRefused={() => undefined} />
    </div>,
    place,
  );
}

function onToolResult(result: ToolResult): void {
  const id = result.structuredContent?.["run_id"];
  if (typeof id === "string") show(id);
  else if (runId === "") say((result.content ?? []).map((block) => block.text ?? "").join("\n") || "There is no run.");
}

addEventListener("hashchange", draw);
say("Waiting for the run …");
host
  .connect({ onToolInput: (input) => void findRun(input).catch((error: Error) => say(error.message)), onToolResult })
  .catch((error: Error) => say(error.message));
