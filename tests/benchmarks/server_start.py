"""How long a server takes to its first answers and how much memory it needs, beside others, in one run.

Each round starts all servers one after the other, every second round in the opposite order, so that a machine that
drifts does so for all. Of times the fastest round is told, because only disturbances make a start slower; of memory,
and of the time a server has used a core for, the median.
"""

import tempfile
from collections.abc import Callable
from statistics import median
from typing import TypeAlias

from tests.benchmarks.row import Row
from tests.benchmarks.stdio_process import BARE, BY_HAND, StdioProcess, own_command

ROUNDS = 11
FIRST_ANSWER = 1.15
IDLE_MEMORY = 1.2

Figures: TypeAlias = dict[str, float]
"""What one server came to in one round, by name."""


def _old_way(server: StdioProcess) -> Figures:
    return {"initialize": server.initialize(), "initialize, core": server.core_seconds()}


def _modern_way(server: StdioProcess) -> Figures:
    figures = {"discover": server.discover(), "discover, core": server.core_seconds()}
    return {**figures, "tools": server.asked("tools/list"), "idle": server.megabytes()}


def _with_result(tool: str, **arguments: str) -> Callable[[StdioProcess], Figures]:
    def ask(server: StdioProcess) -> Figures:
        server.discover()
        result = server.asked("tools/call", name=tool, arguments=arguments)
        return {"result": result, "used": server.megabytes()}

    return ask


_STARTS: dict[str, tuple[list[str], Callable[[StdioProcess], Figures]]] = {
    "bare, old": (BARE, _old_way),
    "ours, old": (own_command(), _old_way),
    "bare, modern": (BARE, _modern_way),
    "ours, modern": (own_command(), _modern_way),
    "by hand": (BY_HAND, _with_result("build", task="x")),
    "ours, list_runs": (own_command(), _with_result("list_runs")),
    "ours, workflow": (own_command("ECHO"), _with_result("echo", text="x")),
}


def _rounds(count: int) -> list[dict[str, Figures]]:
    rounds: list[dict[str, Figures]] = []
    for number in range(count):
        figures: dict[str, Figures] = {}
        for name in list(_STARTS)[:: 1 if number % 2 else -1]:
            command, ask = _STARTS[name]
            with tempfile.TemporaryDirectory() as directory, StdioProcess(command, directory) as server:
                figures[name] = ask(server)
        rounds.append(figures)
    return rounds


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    rounds = _rounds(1) if small else _rounds(1 + ROUNDS)[1:]  # the first one warms the caches of the disk

    def of(figure: str, server: str, choose: Callable[[list[float]], float] = median) -> float:
        return choose([entry[server][figure] for entry in rounds])

    def row(name: str, ratio: float, amounts: str, whose: str, most: float | None) -> Row:
        target = "" if most is None else f"<= {most:g} x {whose}"
        reached = None if most is None else ratio <= most
        return Row(name=name, figure=f"{ratio:.2f} x ({amounts})", target=target, reached=reached)

    def seconds(name: str, figure: str, ours: str, other: str, whose: str, most: float | None) -> Row:
        mine, theirs = of(figure, ours, min), of(figure, other, min)
        amounts = f"{mine * 1000:.0f} ms, {whose} {theirs * 1000:.0f} ms"
        if f"{figure}, core" in rounds[0][ours]:
            amounts += f"; time on a core {of(f'{figure}, core', ours) / of(f'{figure}, core', other):.2f} x"
        return row(name, mine / theirs, amounts, whose, most)

    def memory(name: str, figure: str, ours: str, other: str, whose: str, most: float | None) -> Row:
        mine, theirs = of(figure, ours), of(figure, other)
        return row(name, mine / theirs, f"{mine:.1f} MB, {whose} {theirs:.1f} MB", whose, most)

    start, hand, modern, bare = "process start to", "LangGraph by hand", "ours, modern", "bare, modern"
    return [
        seconds(f"{start} the answer to `initialize`", "initialize", "ours, old", "bare, old", "bare", FIRST_ANSWER),
        seconds(f"{start} the answer to `server/discover`", "discover", modern, bare, "bare", FIRST_ANSWER),
        seconds(f"{start} the answer to `tools/list` after it", "tools", modern, bare, "bare", None),
        seconds(f"{start} the first tool result, `list_runs`", "result", "ours, list_runs", "by hand", hand, 1),
        seconds(f"{start} the first tool result, a workflow", "result", "ours, workflow", "by hand", hand, 1),
        memory("private memory of the idle server", "idle", modern, bare, "bare", IDLE_MEMORY),
        memory("private memory after the first workflow", "used", "ours, workflow", "by hand", hand, None),
    ]
