"""Runs in the middle of their work, with everything an agent can have started by then."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.roles import CODESMITH, SUPERVISOR
from tests.fakes import claude_cli
from tests.fakes.build_feature_script import build_feature_model, marker_of
from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import messages_api
from tests.fakes.messages_script import always, by_marker, call
from tests.system.place import FAKE_CLAUDE, OWN_WORKFLOWS, Place
from tests.system.wire import WireClient

SHELL_COMMAND = "sleep 601 & setsid sleep 602 & (sleep 603 & exit) ; sleep 604"
"""What an agent runs: a command of ten minutes, and in the background one beside it, one in a session of its own, and
one without parents. The same is in own_workflows/long_command.py."""
SLEEPERS = ("sleep 601", "sleep 602", "sleep 603", "sleep 604")

START_SECONDS = 60.0
"""How long a run may take to where it is ended: four at once start a dozen real `claude` processes, each of which
takes a processor for a second or two."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Which run, and what is going on in it.

    Attributes:
        place: Where it is.
        arguments: Of `agent-workflows serve`.
        tool: What to call.
        sign: Type of the event that tells that the agent is where it should be.
        busy: Processes that must be there before the scene is set.
    """

    place: Place
    arguments: tuple[str, ...]
    tool: str
    sign: str
    busy: tuple[str, ...]

    def server(self) -> AbstractAsyncContextManager[WireClient]:
        """A server for it."""
        return self.place.server(*self.arguments)

    async def set(self, client: WireClient) -> tuple[int, str]:
        """Start the run and wait until everything is there; returns the request and the run."""
        await client.open()
        request = await client.call(self.tool, {"task": "work for a long time"})
        run_id = (await client.progress(request, type=self.sign, within=START_SECONDS))["run_id"]
        await self.place.populated(*self.busy)
        return request, run_id


@asynccontextmanager
async def shell_of_a_scripted_agent(directory: Path) -> AsyncGenerator[Scene]:
    """A scripted agent runs a shell command, which has left others in the background."""
    arguments = ("--offline", "--workflow", str(OWN_WORKFLOWS / "long_command.py"))
    yield Scene(Place.below(directory), arguments, "long_command", "tool_start", SLEEPERS)


def misbehaving_claude(behaviour: Callable[[], None], *busy: str) -> "SetUp":
    """An agent on a `claude` that does not do what it should."""

    @asynccontextmanager
    async def misbehaving(directory: Path) -> AsyncGenerator[Scene]:
        variables = {"AGENT_WORKFLOWS_CLAUDE": str(FAKE_CLAUDE), "FAKE_CLAUDE": behaviour.__name__}
        yield Scene(Place.below(directory, **variables), (), "build_feature", "token_stream", busy)

    misbehaving.__name__ = behaviour.__name__  # by which tests are told apart
    return misbehaving


silent_claude = misbehaving_claude(claude_cli.works_on)
worst_claude = misbehaving_claude(claude_cli.leaves_somebody_with_its_output_and_works_on, "signal.pause()\n")
"""Ignores SIGINT and SIGTERM, and has a grandchild that holds its pipe, ignores them too, and one without parents."""


@asynccontextmanager
async def shell_of_the_real_claude(directory: Path) -> AsyncGenerator[Scene]:
    """The real `claude` runs a shell command for the codesmith, which has left others in the background."""
    script = by_marker(
        {
            marker_of(CODESMITH): always(call("Bash", command=SHELL_COMMAND, description="Wait", timeout=600_000)),
            marker_of(SUPERVISOR): build_feature_model(("codesmith",)),
        }
    )
    async with messages_api(script) as api:
        variables = claude_environment(directory, api.url) | {"AGENT_WORKFLOWS_CLAUDE": str(require_claude())}
        yield Scene(Place.below(directory, **variables), (), "build_feature", "tool_start", SLEEPERS)


SetUp = Callable[[Path], AbstractAsyncContextManager[Scene]]
