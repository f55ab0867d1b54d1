"""Perplexity's Agent API on loopback: the Responses protocol with its own events and items for searches."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pydantic import JsonValue

from tests.fakes.messages_script import Reply, Status
from tests.fakes.messages_stream import Frame, Identity
from tests.fakes.openai_api import Json, Responses, event_frame


@dataclass(frozen=True, slots=True)
class Found:
    """What a search finds."""

    url: str
    title: str
    snippet: str = ""


class AgentApi(Responses):
    """The Agent API.

    Args:
        queries: What it searches for before it answers.
        found: What it finds.
        cost_usd: What it says the request has cost; None: it does not say.
    """

    def __init__(
        self, queries: tuple[str, ...] = (), found: tuple[Found, ...] = (), cost_usd: float | None = None
    ) -> None:
        super().__init__("/v1")
        self._queries = queries
        self._found = found
        self._cost_usd = cost_usd

    def frames(self, reply: Reply, identity: Identity, breaks: AbstractSet[int]) -> Iterator[Frame]:
        answer = super().frames(reply, identity, breaks)
        yield next(answer)
        if self._queries:
            yield from self._research()
        yield from answer

    def error(self, status: Status) -> Json:
        return {"error": {"message": status.message, "type": status.type or None, "code": status.code}}

    def error_frame(self, error_type: str) -> bytes:
        error: Json = {"message": "scripted error", "code": None, "type": error_type}
        return event_frame("response.failed", 0, error=error, sequence_number=1).data

    def usage(self, identity: Identity, reply: Reply) -> Json:
        usage = super().usage(identity, reply)
        if self._cost_usd is not None:
            usage["cost"] = {"currency": "USD", "input_cost": 0.0, "output_cost": 0.0, "total_cost": self._cost_usd}
        return usage

    def _research(self) -> Iterator[Frame]:
        queries: list[JsonValue] = list(self._queries)
        results: list[JsonValue] = [
            {"id": number, "url": found.url, "title": found.title, "snippet": found.snippet, "source": "web"}
            for number, found in enumerate(self._found, 1)
        ]
        yield event_frame("response.reasoning.started", 0, thought="I should look this up.")
        yield event_frame("response.reasoning.search_queries", 0, queries=queries, thought=None)
        yield event_frame("response.reasoning.search_results", 0, results=results, usage=None, thought=None)
        yield event_frame("response.reasoning.stopped", 0, thought=None)
        item: Json = {"type": "search_results", "queries": queries, "results": results}
        yield event_frame("response.output_item.done", 0, item=item, output_index=0)
