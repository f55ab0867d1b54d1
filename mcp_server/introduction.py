"""What the server says of itself: its name, what it can do, and how it is used.

Needs nothing of the SDK, so that a client's first question is answered while the SDK is still being imported.
"""

import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from workflows.runs.redaction import Redactor

if TYPE_CHECKING:
    from workflows.catalog import Catalog

NAME = "agent-workflows"
TITLE = "Agent workflows"
DESCRIPTION = "Whole multi-agent workflows as tools, reported live."

TASKS = "io.modelcontextprotocol/tasks"
"""The extension by which a call is answered with a task (SEP-2663)."""
RUN_PAGE = "io.modelcontextprotocol/ui"
"""The extension by which hosts show a page beside a call (MCP Apps)."""
EXTENSIONS = (TASKS, RUN_PAGE)

STATELESS = "2026-07-28"
"""The protocol version in which a client asks `server/discover`, and no session is opened."""
SERVER_INFO = "io.modelcontextprotocol/serverInfo"

INSTRUCTIONS = """\
Each workflow tool runs a team of agents and can take minutes; while it runs, it reports every step as progress.
Call it once and wait: calling it again with the same input joins the run that is under way instead of starting another.
If a call ends early (time-out, lost connection, wait_seconds), nothing is lost: get_run with its run_id shows how far
the run is and, once it is over, its result; an interrupted one goes on with the same call, or with resume_run.
list_runs finds runs whose id you no longer have. cancel_run ends one.
Results are short; whole texts (designs, diffs, reviews) are resources under runs://<run_id>/artifacts/.
A result with "offline": true was made by scripted agents, not by a model: say so when you report it.
"""


def own_version() -> str:
    """This program's version."""
    try:
        return version("agent-workflows-mcp")
    except PackageNotFoundError:  # run from a tree that was never installed
        return "0"


def left_out(catalog: "Catalog") -> str:
    """Which workflows a user has offered and cannot have: clients show no standard error."""
    told = "".join(f"A workflow is left out: {error.message}\n" for error in catalog.left_out)
    return Redactor(os.environ).redact(told) if told else ""


def discovery(notice: str) -> dict[str, Any]:
    """The result of `server/discover`, as the SDK gives it for `mcp_server.server.WorkflowServer`.

    Args:
        notice: What clients are told beside how the server is used; empty, or whole lines.
    """
    return {
        "cacheScope": "private",
        "capabilities": {
            "extensions": {name: {} for name in EXTENSIONS},
            "prompts": {"listChanged": True},
            "resources": {"listChanged": True, "subscribe": True},
            "tools": {"listChanged": True},
        },
        "instructions": INSTRUCTIONS + notice,
        "resultType": "complete",
        "supportedVersions": [STATELESS],
        "ttlMs": 0,
        "_meta": {
            SERVER_INFO: {"name": NAME, "title": TITLE, "version": own_version(), "description": DESCRIPTION},
        },
    }
