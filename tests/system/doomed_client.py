"""A client that is going to be killed: it starts a server over stdio, makes one call, and passes on what it hears.

Arguments: the tool, and the server's command. A program of its own, and standard library only: its death is all its
own.
"""

import json
import subprocess
import sys


def main() -> None:
    """Call, and pass on, until killed."""
    tool, *command = sys.argv[1:]
    client = {"name": "doomed", "version": "1"}
    initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
    call = {"name": tool, "arguments": {"task": "work for a long time"}, "_meta": {"progressToken": "p"}}
    messages = (
        {"id": 1, "method": "initialize", "params": initialize},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call},
    )
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: TID251 - a client of ours
    assert server.stdin is not None
    assert server.stdout is not None
    for message in messages:
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    server.stdin.flush()
    for line in server.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
