import logging
import sys

from mcp_server.logs import RedactingFormatter
from workflows.runs.redaction import Redactor


def test_a_secret_in_a_message_or_a_traceback_never_reaches_the_log() -> None:
    formatter = RedactingFormatter(Redactor({"MY_API_KEY": "a-secret-value"}))
    try:
        raise ValueError("boom a-secret-value")
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, "f", 1, "said %s", ("a-secret-value",), sys.exc_info())
    text = formatter.format(record)
    assert "a-secret-value" not in text
    assert "said ***" in text
    assert "ValueError: boom ***" in text
