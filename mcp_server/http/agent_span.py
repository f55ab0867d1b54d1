"""What one agent does in one stage, as spans: its work, its model's, and its tools'."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context

from agents.agent import Usage
from workflows.runs.events import ToolEnd, ToolStart, UsageRecorded

AttributeValue: TypeAlias = str | bool | int | float
OWN = "agent_workflows."
"""Beginning of the names of attributes that no convention names."""


@dataclass(slots=True, eq=False)
class AgentSpan:
    """An agent at work. All times are nanoseconds since 1970.

    The model is at work from where the agent is known to wait for it, or else from the last thing that was known of the
    agent before the model's first word, to the model's asking for a tool or to the end of what it was charged for.

    Attributes:
        tracer: Makes spans.
        span: The agent's own.
        last: When it was heard of last.
    """

    tracer: Tracer
    span: Span
    last: int
    _model: Span | None = None
    _answers: int = 0
    """Answers of the model since its usage was told: what is charged for several is not one answer's."""
    _is_charged: bool = False
    """Whether the last thing known of its model is what an answer cost: a tool that is called now is of that answer."""
    _tools: dict[str, Span] = field(default_factory=dict[str, Span])
    _used: Usage = field(default_factory=Usage)

    def waits_for_model(self, now: int, seconds: float) -> None:
        """Its model has been asked, so long ago."""
        self._model_at_work(max(self.last, now - int(seconds * 1e9)))
        self.last = now

    def model_said(self, now: int) -> None:
        """Its model gave a piece of text or of thinking."""
        if not self._tools:
            self._model_at_work(self.last)
        self.last = now

    def said(self, now: int) -> None:
        """It was heard of."""
        self.last = now

    def tool_started(self, now: int, body: ToolStart) -> None:
        """It called a tool: with that, its model has answered."""
        if not self._tools and not self._is_charged:
            self._model_at_work(self.last)
        self._model_done(now)
        self._tools[body.call_id] = self._child(
            f"execute_tool {body.tool}",
            now,
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": body.tool,
                "gen_ai.tool.call.id": body.call_id,
            },
        )
        self.last = now

    def tool_ended(self, now: int, body: ToolEnd) -> None:
        """A tool call is over."""
        span = self._tools.pop(body.call_id, None)
        if span is not None:
            if not body.ok:
                span.set_status(StatusCode.ERROR)
            span.end(now)
        self._is_charged = False
        self.last = now

    def charged(self, now: int, body: UsageRecorded) -> None:
        """Its model's provider has told what was used."""
        used = Usage(body.input_tokens, body.output_tokens, body.cost_usd)
        self._used += used
        if self._model is not None:
            self._model.update_name(f"chat {body.model}")
            self._model.set_attribute("gen_ai.response.model", body.model)
            if self._answers == 1:
                self._model.set_attributes(_usage(used))
        self._model_done(now)
        self._answers = 0
        self._is_charged = True
        self.last = now

    def end(self) -> None:
        """It is not at work any more; what was open ends where it was heard of last."""
        self._model_done(self.last)
        for tool in self._tools.values():
            tool.end(self.last)
        self._tools.clear()
        if self._used != Usage():
            self.span.set_attributes(_usage(self._used))
        self.span.end(self.last)

    def _model_at_work(self, since: int) -> None:
        self._is_charged = False
        if self._model is None:
            self._answers += 1
            self._model = self._child("chat", since, {"gen_ai.operation.name": "chat"}, SpanKind.CLIENT)

    def _model_done(self, now: int) -> None:
        if self._model is not None:
            self._model.end(now)
            self._model = None

    def _child(
        self, name: str, start: int, attributes: Mapping[str, AttributeValue], kind: SpanKind = SpanKind.INTERNAL
    ) -> Span:
        context = set_span_in_context(self.span)
        return self.tracer.start_span(name, context, kind, attributes=attributes, start_time=start)


def _usage(used: Usage) -> dict[str, AttributeValue]:
    tokens: dict[str, AttributeValue] = {
        "gen_ai.usage.input_tokens": used.input_tokens,
        "gen_ai.usage.output_tokens": used.output_tokens,
    }
    return tokens if used.cost_usd is None else {**tokens, f"{OWN}cost_usd": used.cost_usd}
