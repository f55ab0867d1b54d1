"""Asks the user of a client of the handshake era, in the middle of a call."""

import logging
from collections import Counter
from dataclasses import dataclass, field

from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult
from pydantic import ValidationError

from mcp_server.eras import RequestContext, client_name
from mcp_server.gates import form_schema, question_in_words
from workflows.runs.errors import InputRejected
from workflows.runs.run import Gate

logger = logging.getLogger(__name__)

MOST_TRIES = 3
"""Answers that do not fit after which one open call asks no more; `answer_run` still takes one."""


@dataclass(slots=True)
class Refusals:
    """Answers of one call that did not fit their questions.

    Attributes:
        reasons: Why, by gate id; the newest of each.
    """

    reasons: dict[str, str] = field(default_factory=dict[str, str])
    _number: Counter[str] = field(default_factory=Counter[str])

    def add(self, gate: Gate, error: InputRejected) -> bool:
        """Remember one; whether its user is to be asked once more."""
        self.reasons[gate.gate_id] = error.message
        self._number[gate.gate_id] += 1
        return self._number[gate.gate_id] < MOST_TRIES


async def elicited(gate: Gate, refusal: str, ctx: RequestContext) -> ElicitResult:
    """What the client's user says to a question; where the client fails at asking, nobody has said anything."""
    try:
        return await ctx.session.elicit_form(question_in_words(gate, refusal), form_schema(gate), ctx.request_id)
    except (MCPError, ValidationError) as error:
        logger.warning("%s could not ask its user: %s", client_name(ctx), type(error).__name__)
        return ElicitResult(action="cancel")
