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


def log_to_stderr() -> None:
    """Send what is at least a warning to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(Redactor(os.environ)))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
