"""Holds the models of a bare graph to the run's limits, and counts what they use.

It listens to LangChain's callbacks, which reach every model in the graph, however deep: before a request it asks the
budget, and a spent budget ends the node before the request is sent; after the reply it takes the usage the provider has
reported. A model that reports none costs what nobody knows.
"""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from agents.agent import Usage
from agents.events import UsageReported
from agents.models.model import TokenCount
from agents.models.prices import list_price_of
from workflows.bare_graphs.places import place_of
from workflows.budget import Budget
from workflows.reports import AgentReport


@dataclass(frozen=True, slots=True)
class _Call:
    """A request to a model: from where in the graph, to which provider and model."""

    place: tuple[str, ...]
    provider: str
    model: str


class Meter(BaseCallbackHandler):
    """Listens to the models of one run.

    Args:
        budget: The run's.
    """

    raise_error = True  # what the budget says must end the node
    run_inline = False  # after LangGraph's own listeners: it would leave those never awaited that come after an error

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._calls: dict[UUID, _Call] = {}
        self._reports: deque[AgentReport] = deque()
        self._lock = threading.Lock()  # it is called in threads

    def reports(self) -> list[AgentReport]:
        """What was used since the last time this was asked."""
        reports: list[AgentReport] = []
        while self._reports:
            reports.append(self._reports.popleft())
        return reports

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: Sequence[object],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **_: object,
    ) -> None:
        """A chat model is about to be asked.

        Raises:
            agents.errors.LimitReached: It must not be.
        """
        del serialized, messages
        self._begin(run_id, metadata or {})

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **_: object,
    ) -> None:
        """As above, for a model that completes a text."""
        del serialized, prompts
        self._begin(run_id, metadata or {})

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: object) -> None:
        """A model has answered."""
        call = self._calls.pop(run_id, _Call((), "", ""))
        for generation in (one for several in response.generations for one in several):
            if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
                self._charge(call, generation.message)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: object) -> None:
        """A model has not answered."""
        del error
        self._calls.pop(run_id, None)

    def _begin(self, run_id: UUID, metadata: Mapping[str, Any]) -> None:
        self._budget.check()
        provider, model = (str(metadata.get(name) or "") for name in ("ls_provider", "ls_model_name"))
        self._calls[run_id] = _Call(place_of(metadata), provider, model)

    def _charge(self, call: _Call, message: AIMessage) -> None:
        usage = message.usage_metadata
        if usage is None:
            return
        details = usage.get("input_token_details") or {}
        read, written = details.get("cache_read") or 0, details.get("cache_creation") or 0
        inputs, outputs = usage["input_tokens"], usage["output_tokens"]
        model = str(message.response_metadata.get("model_name") or call.model)
        count = TokenCount(
            input_tokens=max(0, inputs - read - written),
            cache_read_tokens=read,
            cache_write_tokens=written,
            output_tokens=outputs,
        )
        cost = list_price_of(call.provider)(model, count)
        with self._lock:
            self._budget.charge(Usage(inputs, outputs, cost))
        agent, *inside = call.place or ("model",)
        said = UsageReported(
            model=model, input_tokens=inputs, output_tokens=outputs, cost_usd=cost, speaker=tuple(inside)
        )
        self._reports.append(AgentReport(agent, said))
