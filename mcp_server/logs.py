"""What the server says on standard error: clients keep it in files, so secrets are masked there too."""

import logging
import os
import sys

from workflows.runs.redaction import Redactor


class RedactingFormatter(logging.Formatter):
    """Formats a record, traceback included, and masks the secrets in it.

    Args:
        redactor: Masks them.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The whole text of a record."""
        return self._redactor.redact(super().format(record))


ACCESS_LOG = "agent_workflows.access"
"""Logger of what was asked over HTTP, and how that went."""


def log_to_stderr(*, access: bool = False) -> None:
    """Send what is at least a warning to standard error.

    Args:
        access: Whether also every answer over HTTP is logged.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(Redactor(os.environ)))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if access:
        logging.getLogger(ACCESS_LOG).setLevel(logging.INFO)
