"""Holds the models of a bare graph to the run's limits, and counts what they use.

It listens to LangChain's callbacks, which reach every model in the graph, however deep: before a request it asks the
budget, and a spent budget ends the node before the request is sent; after the reply it takes the usage the provider has
reported. A model that reports none costs what nobody knows, and so does a request that has failed or was left.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
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


_NOBODY = _Call((), "", "")
"""A request whose beginning was not heard."""


class Meter(BaseCallbackHandler):
    """Listens to the models of one run.

    Args:
        budget: The run's.
        untold: See `workflows.context.WorkflowContext.untold`.
    """

    raise_error = True  # what the budget says must end the node
    run_inline = False  # after LangGraph's own listeners: it would leave those never awaited that come after an error

    def __init__(self, budget: Budget, untold: dict[int, AgentReport]) -> None:
        self._budget = budget
        self._untold = untold
        self._calls: dict[UUID, _Call] = {}
        self._reports: deque[AgentReport] = deque()
        self._lock = threading.Lock()  # it is called in threads

    @property
    def callbacks(self) -> Sequence[BaseCallbackHandler]:
        """What LangChain is to call: the meter itself, and what listens for it to models that complete a text."""
        return self, _TextListener(self._begin)

    def reports(self) -> list[AgentReport]:
        """What was used since the last time this was asked."""
        reports: list[AgentReport] = []
        while self._reports:
            reports.append(self._reports.popleft())
        return reports

    def close(self) -> None:
        """The graph is over: what is still under way was left, which LangChain does not tell where it is cancelled."""
        while self._calls:
            _, call = self._calls.popitem()
            self._charge_unknown(call)

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

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: object) -> None:
        """A model has answered."""
        call = self._calls.pop(run_id, _NOBODY)
        told = [self._charge(call, message) for message in _messages_in(response)]
        if not any(told):
            self._charge_unknown(call)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: object) -> None:
        """A model has not answered, or not to the end; what that costs, no provider says."""
        del error
        if (call := self._calls.pop(run_id, None)) is not None:
            self._charge_unknown(call)

    def _begin(self, run_id: UUID, metadata: Mapping[str, Any]) -> None:
        self._budget.check()
        provider, model = (str(metadata.get(name) or "") for name in ("ls_provider", "ls_model_name"))
        self._calls[run_id] = _Call(place_of(metadata), provider, model)

    def _charge(self, call: _Call, message: AIMessage) -> bool:
        """Charge what a message says that it has used; whether it says so."""
        usage = message.usage_metadata
        if usage is None:
            return False
        if cast("Mapping[str, object]", usage).get("total_cost") == 0:
            return True  # so LangChain marks what comes out of its cache: nobody was asked
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
        self._report(call, model, Usage(inputs, outputs, list_price_of(call.provider)(model, count)))
        return True

    def _charge_unknown(self, call: _Call) -> None:
        self._report(call, call.model, Usage(0, 0, None))

    def _report(self, call: _Call, model: str, used: Usage) -> None:
        agent, *inside = call.place or ("model",)
        said = UsageReported(
            model=model,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cost_usd=used.cost_usd,
            speaker=tuple(inside),
        )
        report = AgentReport(agent, said)
        with self._lock:
            self._budget.charge(used)
            self._untold[id(said)] = report
        self._reports.append(report)


class _TextListener(BaseCallbackHandler):
    """Hears that a model that completes a text is about to be asked.

    LangChain (1.7, `AsyncCallbackManager.on_llm_start`) tells that only to listeners that run inline if there is one,
    and LangGraph brings one along.

    Args:
        begin: Is told of it, by the request's id and its metadata; what it raises keeps the request from being made.
    """

    raise_error = True
    run_inline = True

    def __init__(self, begin: Callable[[UUID, Mapping[str, Any]], None]) -> None:
        self._begin = begin

    @property
    def ignore_chat_model(self) -> bool:
        """Chat models are the meter's own."""
        return True

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **_: object,
    ) -> None:
        """A model is about to be asked.

        Raises:
            agents.errors.LimitReached: It must not be.
        """
        del serialized, prompts
        self._begin(run_id, metadata or {})


def _messages_in(response: LLMResult) -> Iterator[AIMessage]:
    for generation in (one for several in response.generations for one in several):
        if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
            yield generation.message
