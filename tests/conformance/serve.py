"""Serves the fixture server over HTTP: `python -m tests.conformance.serve HOME WORKSPACE PORT`.

It is the program's own HTTP server, with `ConformanceServer` in the place of its MCP server; nothing else differs but
that calls become tasks at once, where a user would first see a few seconds of progress.
"""

import sys
from pathlib import Path

import mcp_server.http.app as http_app
from mcp_server.http.network import ListenAddress
from mcp_server.http.serving import serve
from mcp_server.settings import Settings
from tests.conformance.fixture_server import ConformanceServer
from tests.conformance.fixture_workflows import JOBS
from workflows.catalog import BUILT_IN, Catalog


def main(home: Path, workspace: Path, port: int) -> None:
    http_app.workflow_server = ConformanceServer
    settings = Settings(home=home, roots=(workspace,), offline=True, task_grace_seconds=0)
    serve(settings, Catalog((*BUILT_IN, *JOBS)), ListenAddress("127.0.0.1", port))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
