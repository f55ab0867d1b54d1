import { render } from "preact";
import { wear } from "./colours.ts";
import { HostBridge, type ToolResult } from "./host-bridge.ts";
import { HostSource } from "./host-source.ts";
import { Patience } from "./patience.ts";
import { pause } from "./pause.ts";
import { RunView } from "./run-view.tsx";
import "./styles/page.css";

// The page as an MCP App: one run, that of the tool call beside which the host shows it.

/** Between two looks for the run of a call that is under way; a host tells the page its input, not its run. */
const LOOK_MS = 1000;

const host = new HostBridge();
const source = new HostSource(host);
let runId = "";
/** The artifact that is shown; empty for none. The frame's address is the host's business, and is left alone. */
let artifact = "";

type Input = Readonly<Record<string, unknown>>;

/** Whether a run has the input of a call: what both name is the same; the call has options besides, the run defaults. */
function belongs(run: Input, call: Input): boolean {
  const both = Object.keys(call).filter((name) => name in run);
  return both.length > 0 && both.every((name) => JSON.stringify(run[name]) === JSON.stringify(call[name]));
}

async function inputOf(id: string): Promise<Input> {
  const [first = "{}"] = (await host.readText(`runs://${id}/events?after=0`)).split("\n", 1);
  const event = JSON.parse(first) as { readonly input?: Input };
  return event.input ?? {};
}

/** The newest run with the call's input: a call joins a run that is under way, so there is one at most. */
async function newestRun(call: Input): Promise<string> {
  const { runs } = (await host.callTool("list_runs", { limit: 5 })) as { readonly runs: readonly { readonly run_id: string; readonly ended_at: string | null }[] };
  for (const run of runs.filter((one) => one.ended_at === null)) {
    if (belongs(await inputOf(run.run_id), call)) return run.run_id;
  }
  return "";
}

/** Look for the run of a call until it is there, or until the call's result has said which one it is. */
async function findRun(call: Input): Promise<void> {
  const patience = new Patience();
  while (runId === "") {
    try {
      const found = await newestRun(call);
      if (runId !== "") return;
      if (found !== "") return show(found);
      patience.succeeded();
      await pause(LOOK_MS);
    } catch (error) {
      if (runId === "") await patience.failed(error);
    }
  }
}

/** The tool's result is the last word about which run it is. */
function show(id: string): void {
  if (id === "" || id === runId) return;
  runId = id;
  draw();
}

function say(text: string): void {
  const place = document.getElementById("page");
  if (place !== null) render(<main class="run"><p class="hint loading">{text}</p></main>, place);
}

function draw(): void {
  const place = document.getElementById("page");
  if (place === null || runId === "") return;
  render(
    <div class="content">
      <RunView key={runId} source={source} runId={runId} artifact={artifact} onRefused={() => undefined} />
    </div>,
    place,
  );
}

function onToolResult(result: ToolResult): void {
  const id = result.structuredContent?.["run_id"];
  if (typeof id === "string") show(id);
  else if (runId === "") say((result.content ?? []).map((block) => block.text ?? "").join("\n") || "There is no run.");
}

/** Links of the page itself name an artifact, or none; any other leads out, and the host opens it. */
function onClick(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const address = link?.getAttribute("href") ?? "";
  if (address === "") return;
  event.preventDefault();
  if (address.startsWith("#")) {
    artifact = decodeURIComponent(/^#\/runs\/[^/]+\/artifacts\/([^/]+)$/.exec(address)?.[1] ?? "");
    draw();
  } else {
    void host.openLink(address).catch(() => undefined); // a host that opens none: nothing else can be done about it here
  }
}

addEventListener("click", onClick);
say("Waiting for the run …");
host
  .connect({
    onToolInput: (input) => void findRun(input).catch((error: Error) => say(error.message)),
    onToolResult,
    onTheme: wear,
  })
  .catch((error: Error) => say(error.message));
