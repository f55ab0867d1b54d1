"""An `Emit` that keeps the promise of never raising, whoever is behind it."""

import logging

from agents.events import AgentSaid, Emit

_log = logging.getLogger(__name__)


class GuardedEmit:
    """Passes on what is said. A listener that breaks the rules must not cost the work that is being done.

    Args:
        emit: Who listens.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._is_broken = False

    def __call__(self, said: AgentSaid) -> None:
        """Pass it on; the first error of the listener is logged, the others are not."""
        try:
            self._emit(said)
        except Exception:  # noqa: BLE001 - by contract it never raises, so nothing is known of what it raises
            if not self._is_broken:
                _log.exception("A listener raised; the agent goes on. Further errors of this listener are not logged.")
            self._is_broken = True
