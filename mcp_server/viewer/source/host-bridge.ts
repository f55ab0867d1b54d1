// The bridge of MCP Apps: JSON-RPC over postMessage between this page, in a frame, and the host around it.
// Method names and shapes: the extension's specification of 2026-01-26.

const PROTOCOL_VERSION = "2026-01-26";

/** How long the host may take to answer. Calls of tools are the server's business, and a resume may take its time. */
const LONGEST_ANSWER_MS = 60_000;

type Params = Readonly<Record<string, unknown>>;

interface Message {
  readonly jsonrpc: "2.0";
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A tool's result or a resource, as far as this page reads them. */
export interface ToolResult {
  readonly isError?: boolean;
  readonly content?: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: Params;
}

export interface HostListener {
  /** What the tool was called with; the call is under way. */
  onToolInput(input: Params): void;
  onToolResult(result: ToolResult): void;
  /** The colours around the page. */
  onTheme(theme: "light" | "dark"): void;
}

/** The host, as this page sees it. */
export class HostBridge {
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  /** Greet the host, and tell it how high the page is, now and later. */
  async connect(listener: HostListener): Promise<void> {
    addEventListener("message", (event: MessageEvent<unknown>) => {
      // Only the host is the page's parent; whoever else can post here is not listened to.
      if (event.source === window.parent) this.#receive(event.data, listener);
    });
    const greeted = await this.#request("ui/initialize", {
      protocolVersion: PROTOCOL_VERSION,
      appInfo: { name: "agent-workflows", version: "1" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    tellTheme(objectIn(objectIn(greeted)["hostContext"]), listener);
    this.#notify("ui/notifications/initialized", {});
    new ResizeObserver(() => this.#tellSize()).observe(document.documentElement);
  }

  /** Call one of the server's tools. @throws Error It is refused, or it failed; the message is for people. */
  async callTool(name: string, input: Params): Promise<Params> {
    const result = (await this.#request("tools/call", { name, arguments: input })) as ToolResult;
    const said = (result.content ?? []).map((block) => block.text ?? "").join("\n").trim();
    if (result.isError === true) throw new Error(said || `${name} failed.`);
    return result.structuredContent ?? {};
  }

  /** Read one of the server's resources as text. @throws Error There is none, or the host does not pass it on. */
  async readText(uri: string): Promise<string> {
    const result = (await this.#request("resources/read", { uri })) as { readonly contents?: readonly { readonly text?: string }[] };
    return (result.contents ?? []).map((content) => content.text ?? "").join("");
  }

  /** Have the host open an address for the person: the frame may open no window. @throws Error The host does not. */
  async openLink(url: string): Promise<void> {
    await this.#request("ui/open-link", { url });
  }

  #receive(data: unknown, listener: HostListener): void {
    if (typeof data !== "object" || data === null || !("jsonrpc" in data)) return;
    const message = data as Message;
    if (message.method === undefined) this.#settle(message);
    else if (message.id !== undefined) this.#answer(message.id, message.method);
    else if (message.method === "ui/notifications/tool-input") listener.onToolInput(objectIn(message.params?.["arguments"]));
    else if (message.method === "ui/notifications/tool-result") listener.onToolResult(message.params ?? {});
    else if (message.method === "ui/notifications/host-context-changed") tellTheme(message.params ?? {}, listener);
  }

  #settle(message: Message): void {
    const pending = this.#pending.get(Number(message.id));
    this.#pending.delete(Number(message.id));
    if (message.error !== undefined) pending?.reject(new Error(message.error.message));
    else pending?.resolve(message.result);
  }

  /** What the host asks: whether the page lives, and to make an end. Nothing here needs an end. */
  #answer(id: number | string, method: string): void {
    const known = method === "ping" || method === "ui/resource-teardown";
    this.#post(
      known
        ? { jsonrpc: "2.0", id, result: {} }
        : { jsonrpc: "2.0", id, error: { code: -32601, message: `There is no method ${method} here.` } },
    );
  }

  #request(method: string, params: Params): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`The host did not answer ${method}.`));
      }, LONGEST_ANSWER_MS);
      const settled = <T>(settle: (value: T) => void) => (value: T) => {
        clearTimeout(timer);
        settle(value);
      };
      this.#pending.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.#post({ jsonrpc: "2.0", id, method, params });
    });
  }

  #notify(method: string, params: Params): void {
    this.#post({ jsonrpc: "2.0", method, params });
  }

  /** The host's address is not known to the page; nothing that is posted is a secret of anybody else. */
  #post(message: Message): void {
    window.parent.postMessage(message, "*");
  }

  #tellSize(): void {
    const { scrollWidth: width, scrollHeight: height } = document.documentElement;
    this.#notify("ui/notifications/size-changed", { width, height });
  }
}

function tellTheme(context: Params, listener: HostListener): void {
  const { theme } = context;
  if (theme === "light" || theme === "dark") listener.onTheme(theme);
}

function objectIn(value: unknown): Params {
  return typeof value === "object" && value !== null ? (value as Params) : {};
}
