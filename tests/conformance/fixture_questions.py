"""Tools of the conformance suite that ask by returning what they need to know; the call is then repeated with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from mcp.server.context import ServerRequestContext
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    InputResponse,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)

from mcp_server.run_calls import RequestContext
from tests.conformance.fixture_tools import Answer, FixtureTool, text, tool

STRING: dict[str, object] = {"type": "string"}


def form(message: str, **properties: dict[str, object]) -> ElicitRequest:
    """A question to the user; everything is required."""
    schema: dict[str, object] = {"type": "object", "properties": properties, "required": list(properties)}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def prompt(said: str, max_tokens: int) -> CreateMessageRequest:
    """A question to the client's model."""
    message = SamplingMessage(role="user", content=TextContent(text=said))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=max_tokens))


@dataclass(frozen=True)
class Round:
    """One round of questions.

    Attributes:
        asks: What is asked, by key.
        state: What the client brings back; empty for none. The server's middleware seals it.
    """

    asks: Mapping[str, InputRequest]
    state: str = ""


@dataclass(frozen=True)
class Questions:
    """A tool that goes through its rounds and says in the end what it was told.

    Attributes:
        rounds: In their order.
        prefix: Of the result.
    """

    rounds: tuple[Round, ...]
    prefix: str = "Told"
    only_declared: bool = field(default=False)

    async def answer(self, ctx: RequestContext, params: CallToolRequestParams) -> Answer:
        """The first round whose questions are not answered, or the end."""
        responses = params.input_responses or {}
        reached = next((n for n, one in enumerate(self.rounds) if one.state and one.state == params.request_state), 0)
        current = self.rounds[reached]
        asks = {key: ask for key, ask in current.asks.items() if not self.only_declared or declared(ctx, ask)}
        if not all(key in responses and fits(ask, responses[key]) for key, ask in asks.items()):
            return required(asks, current.state)
        if reached + 1 < len(self.rounds):
            following = self.rounds[reached + 1]
            return required(following.asks, following.state)
        return self._told(responses)

    def _told(self, responses: Mapping[str, InputResponse]) -> CallToolResult:
        known = {key for one in self.rounds for key in one.asks}
        said = {key: value.model_dump(mode="json") for key, value in responses.items() if key in known}
        return text(f"{self.prefix}: {said}")


def required(asks: Mapping[str, InputRequest], state: str) -> InputRequiredResult:
    """What asks."""
    return InputRequiredResult(input_requests=dict(asks), request_state=state or None)


def fits(ask: InputRequest, response: InputResponse) -> bool:
    """Whether a response is one to this question at all."""
    if isinstance(ask, ElicitRequest):
        if not isinstance(response, ElicitResult) or not isinstance(ask.params, ElicitRequestFormParams):
            return False
        needed = cast("list[str]", ask.params.requested_schema.get("required", []))
        return response.action != "accept" or set(needed) <= set(response.content or {})
    return hasattr(response, "roots" if isinstance(ask, ListRootsRequest) else "content")


def declared(ctx: ServerRequestContext[dict[str, object], object], ask: InputRequest) -> bool:
    """Whether the client can answer such a question."""
    capabilities = ctx.session.client_capabilities
    if capabilities is None:
        return False
    if isinstance(ask, ElicitRequest):
        return capabilities.elicitation is not None
    if isinstance(ask, ListRootsRequest):
        return capabilities.roots is not None
    return capabilities.sampling is not None


def asking(
    name: str, description: str, *rounds: Round, prefix: str = "Told", only_declared: bool = False
) -> FixtureTool:
    """A tool that asks."""
    return tool(name, description, Questions(rounds, prefix, only_declared).answer)


NAME = form("What is your name?", name=STRING)
CONFIRM = form("Please confirm", ok={"type": "boolean"})

ASKING_TOOLS = (
    asking("test_input_required_result_elicitation", "Asks a name.", Round({"user_name": NAME}), prefix="Hello"),
    asking("test_streaming_elicitation", "Asks a name.", Round({"user_name": NAME})),
    asking(
        "test_input_required_result_sampling",
        "Asks the model.",
        Round({"capital_question": prompt("What is the capital of France?", 100)}),
    ),
    asking("test_input_required_result_list_roots", "Asks for roots.", Round({"client_roots": ListRootsRequest()})),
    asking(
        "test_input_required_result_request_state",
        "Asks and remembers.",
        Round({"confirm": CONFIRM}, "asked"),
        prefix="state-ok",
    ),
    asking("test_input_required_result_tampered_state", "Asks and remembers.", Round({"confirm": CONFIRM}, "asked")),
    asking(
        "test_input_required_result_multiple_inputs",
        "Asks for three things.",
        Round(
            {"user_name": NAME, "greeting": prompt("Generate a greeting", 50), "client_roots": ListRootsRequest()},
            "asked",
        ),
    ),
    asking(
        "test_input_required_result_multi_round",
        "Asks twice.",
        Round({"step1": form("Step 1: What is your name?", name=STRING)}, "first"),
        Round({"step2": form("Step 2: What is your favorite color?", color=STRING)}, "second"),
    ),
    asking(
        "test_input_required_result_capabilities",
        "Asks only what the client can answer.",
        Round({"user_name": NAME, "greeting": prompt("Generate a greeting", 50)}),
        only_declared=True,
    ),
)
