"""One line for every answer, on standard error: who asked for what, and how it went. No query, no header, no body."""

import logging
from urllib.parse import quote

from starlette.types import Scope

from mcp_server.logs import ACCESS_LOG
from mcp_server.owner import OWNER_KEY

logger = logging.getLogger(ACCESS_LOG)

_LONGEST_PATH = 200


def log_access(scope: Scope, method: str, status: int, size: int, seconds: float) -> None:
    """Log an answer that has ended; 0 stands for a request nobody waited for."""
    client = scope.get("client")
    path = quote(scope["path"][:_LONGEST_PATH])
    owner = quote(str(scope.get(OWNER_KEY, "-")), safe="@:/")
    logger.info(
        "%s %s %s %s %s %dB %.0fms", client[0] if client else "-", owner, method, path, status, size, seconds * 1000
    )
