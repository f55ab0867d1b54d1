"""Conversations that are kept while they are at work: which of them can be gone on with."""

import json
import os
import stat
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import BaseModel

from agents.agent import AgentTask
from agents.claude.agent import ClaudeAgent
from agents.claude.command import RESUMED_PREFIX
from agents.claude.kept_conversations import (
    KEPT_SECONDS,
    KeptConversation,
    KeptConversations,
    finds_login_elsewhere,
)
from agents.claude.listening import Listener, Stop
from agents.errors import AgentMisconfigured, AgentProcessFailed, NotLoggedIn
from agents.events import ConversationOpened, Progressed
from tests.agents.claude.stage import FAKE_CLAUDE, IMPATIENT, Behaviour, Stage, fake_environment
from tests.descendants import processes_with_marker
from tests.fakes import claude_cli as fake
from tests.waiting import until

NOWHERE = "7e57ab1e-0000-4000-8000-000000000000"
"""A session that there is not."""

ANSWERED = (
    '{"type":"user","message":{"role":"user","content":"go"}}',
    '{"type":"assistant","message":{"role":"assistant","content":[]}}',
)
RECORDINGS = Path(__file__).parents[2] / "recordings" / "claude_cli"
A_KEY = {"ANTHROPIC_API_KEY": "sk-ant-not-a-key"}


class Review(BaseModel):
    verdict: str


@pytest.fixture
def kept(tmp_path: Path) -> KeptConversations:
    return KeptConversations(tmp_path / "conversations")


@pytest.fixture
def task(tmp_path: Path) -> AgentTask:
    return AgentTask(role="coder", prompt="do it", instructions="be brief", workspace=tmp_path, access="write")


def write(conversation: KeptConversation, *lines: str, end: str = "\n") -> Path:
    """What the CLI has written of a conversation."""
    transcript = conversation.directory / "projects" / "-workspace" / f"{conversation.session_id}.jsonl"
    transcript.parent.mkdir(parents=True, exist_ok=True)
    transcript.write_text("\n".join(lines) + end)
    return transcript


def interrupted(kept: KeptConversations, task: AgentTask, *lines: str, end: str = "\n") -> AgentTask:
    """The same task again, after its first conversation got so far."""
    conversation = kept.open(task, "m-first")
    write(conversation, *(lines or ANSWERED), end=end)
    return replace(task, resume_session=conversation.session_id)


# ---- which can be gone on with


def test_the_same_task_goes_on_with_its_conversation(kept: KeptConversations, task: AgentTask) -> None:
    again = interrupted(kept, task)

    conversation = kept.open(again, "m-second")

    assert (conversation.session_id, conversation.is_resumed) == (again.resume_session, True)


def test_it_can_be_gone_on_with_more_than_once(kept: KeptConversations, task: AgentTask) -> None:
    again = interrupted(kept, task)

    assert all(kept.open(again, f"m-{number}").is_resumed for number in range(3))


def test_something_may_have_been_added_to_the_prompt(kept: KeptConversations, task: AgentTask) -> None:
    again = interrupted(kept, task)

    assert kept.open(replace(again, prompt="do it\n\n- and write tests"), "m-second").is_resumed


@pytest.mark.parametrize(
    "change",
    [
        {"role": "reviewer"},
        {"prompt": "do something else"},
        {"prompt": ""},
        {"instructions": "be verbose"},
        {"access": "read"},
        {"reply_model": Review},
        {"workspace": Path("/")},
    ],
    ids=str,
)
def test_another_task_starts_anew(kept: KeptConversations, task: AgentTask, change: dict[str, Any]) -> None:
    again = interrupted(kept, task)

    conversation = kept.open(replace(again, **change), "m-second")

    assert not conversation.is_resumed
    assert conversation.session_id != again.resume_session


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        ((*ANSWERED, '{"type":"user","mess'), ""),
        ((*ANSWERED, '{"type":"user","mess'), "\n"),
        (ANSWERED, ""),
        ((*ANSWERED, "[]"), "\n"),
        ((*ANSWERED, "\0" * 64), "\n"),
        (ANSWERED[:1], "\n"),
    ],
    ids=["torn", "torn in the middle", "without its last newline", "no object", "zeros", "not answered yet"],
)
def test_a_conversation_that_is_not_whole_is_started_anew(
    kept: KeptConversations, task: AgentTask, lines: tuple[str, ...], end: str
) -> None:
    assert not kept.open(interrupted(kept, task, *lines, end=end), "m-second").is_resumed


@pytest.mark.parametrize("session_id", [NOWHERE, "nonsense", "../..", "/", "..", "{ABC}", "\0", "ü"])
def test_a_conversation_that_is_not_there_is_started_anew(
    kept: KeptConversations, task: AgentTask, session_id: str
) -> None:
    assert not kept.open(replace(task, resume_session=session_id), "m-second").is_resumed


def test_one_whose_file_is_gone_is_started_anew(kept: KeptConversations, task: AgentTask) -> None:
    conversation = kept.open(task, "m-first")
    write(conversation, *ANSWERED).unlink()

    assert not kept.open(replace(task, resume_session=conversation.session_id), "m-second").is_resumed


def test_what_still_runs_of_the_interrupted_process_is_ended_first(kept: KeptConversations, task: AgentTask) -> None:
    marker = f"m-{uuid.uuid4().hex}"
    conversation = kept.open(task, marker)
    write(conversation, *ANSWERED)
    sleeper = subprocess.Popen(  # noqa: TID251 - stands for a child of a server that is gone
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,  # never written to: it waits until it is ended
        env=os.environ | {"AGENT_WORKFLOWS_CHILD": marker},
    )
    try:
        while not processes_with_marker(marker):
            assert sleeper.poll() is None

        assert kept.open(replace(task, resume_session=conversation.session_id), "m-second").is_resumed

        assert sleeper.wait(5) != 0
    finally:
        sleeper.kill()
        sleeper.communicate(timeout=5)


# ---- where they lie


def test_nobody_else_can_read_them(kept: KeptConversations, task: AgentTask, tmp_path: Path) -> None:
    conversation = kept.open(task, "m-first")

    for path in (tmp_path / "conversations", conversation.directory, conversation.directory / "task.json"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_conversation_that_was_given_up_is_deleted_in_the_end(
    kept: KeptConversations, task: AgentTask, tmp_path: Path
) -> None:
    old, young = kept.open(task, "m-old"), kept.open(task, "m-young")
    header = old.directory / "task.json"
    then = header.stat().st_mtime - KEPT_SECONDS - 1
    os.utime(header, (then, then))

    latest = kept.open(task, "m-latest")

    assert {path.name for path in (tmp_path / "conversations").iterdir()} == {young.session_id, latest.session_id}


# ---- the login


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, ""),
        ({"CLAUDE_CONFIG_DIR": "/config"}, "/config"),
        ({"CLAUDE_CONFIG_DIR": "/config", "CLAUDE_SECURESTORAGE_CONFIG_DIR": "/login"}, "/login"),
    ],
)
def test_the_login_stays_where_it_is(
    kept: KeptConversations, task: AgentTask, environ: dict[str, str], said: str
) -> None:
    conversation = kept.open(task, "m-first")

    assert conversation.variables(environ) == {
        "CLAUDE_CONFIG_DIR": str(conversation.directory),
        "CLAUDE_SECURESTORAGE_CONFIG_DIR": said,
    }


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK"])
def test_a_login_in_the_environment_is_found_anywhere(variable: str) -> None:
    assert finds_login_elsewhere({variable: "1", "HOME": "/nonexistent"})
    assert not finds_login_elsewhere({variable: "", "HOME": "/nonexistent"})


@pytest.mark.parametrize("variable", ["HOME", "CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR"])
def test_a_login_in_a_file_is_found(tmp_path: Path, variable: str) -> None:
    directory = tmp_path / ".claude" if variable == "HOME" else tmp_path
    assert not finds_login_elsewhere({variable: str(tmp_path)})
    directory.mkdir(exist_ok=True)
    (directory / ".credentials.json").write_text("{}")

    assert finds_login_elsewhere({variable: str(tmp_path)})


def test_without_a_home_no_login_is_known() -> None:
    assert not finds_login_elsewhere({})


# ---- the agent


def keeping_agent(stage: Stage, behaviour: Behaviour, tmp_path: Path, **environ: str) -> ClaudeAgent:
    return ClaudeAgent(
        FAKE_CLAUDE,
        stage.registry,
        environ=fake_environment(behaviour, **(environ or A_KEY)),
        patience=IMPATIENT,
        conversations=tmp_path / "conversations",
    )


@pytest.fixture
def login_in_a_file(tmp_path: Path) -> dict[str, str]:
    """The variables of a user who has logged in by hand."""
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / ".credentials.json").write_text("{}")
    return {"HOME": str(tmp_path)}


def left_in(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "conversations").glob("*/task.json"))


def opened(stage: Stage) -> list[bool]:
    return [said.resumable for said in stage.said if isinstance(said, ConversationOpened)]


@pytest.mark.anyio
async def test_the_cli_keeps_it_in_a_directory_of_ours(stage: Stage, tmp_path: Path) -> None:
    agent = keeping_agent(stage, fake.tells_how_it_was_started, tmp_path)

    with anyio.fail_after(5):
        facts = json.loads((await agent.run(stage.task(), stage.emit)).text)

    (session,) = [argument for argument in facts["argv"] if argument.startswith("--session-id=")]
    directory = tmp_path / "conversations" / session.removeprefix("--session-id=")
    assert facts["environment"]["CLAUDE_CONFIG_DIR"] == str(directory)
    assert "--no-session-persistence" not in facts["argv"]
    assert any(str(directory) in argument for argument in facts["argv"] if argument.startswith("--settings="))
    assert opened(stage) == [True]


@pytest.mark.anyio
async def test_when_the_task_is_done_it_is_deleted(stage: Stage, tmp_path: Path) -> None:
    with anyio.fail_after(5):
        await keeping_agent(stage, fake.behaves, tmp_path).run(stage.task(), stage.emit)

    assert list((tmp_path / "conversations").iterdir()) == []


@pytest.mark.anyio
async def test_an_interrupted_one_stays(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(AgentProcessFailed), anyio.fail_after(5):
        await keeping_agent(stage, fake.is_killed, tmp_path).run(stage.task(), stage.emit)

    assert len(left_in(tmp_path)) == 1


@pytest.mark.anyio
async def test_one_whose_login_was_refused_in_the_middle_stays(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(NotLoggedIn), anyio.fail_after(5):
        await keeping_agent(stage, fake.works_until_its_login_is_refused, tmp_path).run(stage.task(), stage.emit)

    assert len(left_in(tmp_path)) == 1


@pytest.mark.anyio
async def test_one_that_is_gone_on_with_while_nobody_is_logged_in_stays(stage: Stage, tmp_path: Path) -> None:
    task = interrupted(KeptConversations(tmp_path / "conversations"), stage.task())

    with pytest.raises(NotLoggedIn), anyio.fail_after(5):
        await keeping_agent(stage, fake.retries_after_401, tmp_path).run(task, stage.emit)

    assert [header.parent.name for header in left_in(tmp_path)] == [task.resume_session]


@pytest.mark.anyio
async def test_one_whose_login_was_refused_at_once_is_deleted(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(NotLoggedIn), anyio.fail_after(5):
        await keeping_agent(stage, fake.retries_after_401, tmp_path).run(stage.task(), stage.emit)

    assert left_in(tmp_path) == []


@pytest.mark.anyio
async def test_without_a_login_that_is_found_none_is_kept(stage: Stage, tmp_path: Path) -> None:
    agent = keeping_agent(stage, fake.tells_how_it_was_started, tmp_path, HOME=str(tmp_path))

    with anyio.fail_after(5):
        facts = json.loads((await agent.run(stage.task(), stage.emit)).text)

    assert "--no-session-persistence" in facts["argv"]
    assert opened(stage) == [False]


@pytest.mark.anyio
async def test_a_claude_that_does_not_find_its_login_then_starts_again_without(
    stage: Stage, tmp_path: Path, login_in_a_file: dict[str, str]
) -> None:
    agent = keeping_agent(stage, fake.finds_its_login_only_at_home, tmp_path, **login_in_a_file)

    with anyio.fail_after(5):
        reply = await agent.run(stage.task(), stage.emit)

    assert reply.text == "the prompt has 17 characters"
    assert opened(stage) == [True, False]
    assert left_in(tmp_path) == []


@pytest.mark.anyio
async def test_a_claude_that_starts_again_has_only_the_time_that_is_left(
    stage: Stage, tmp_path: Path, login_in_a_file: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    listen = Listener.listen

    async def noted(listener: Listener, seconds: float) -> Stop:
        given.append(seconds)
        return await listen(listener, seconds)

    monkeypatch.setattr(Listener, "listen", noted)
    agent = keeping_agent(stage, fake.finds_its_login_only_at_home, tmp_path, **login_in_a_file)

    with anyio.fail_after(5):
        await agent.run(stage.task(max_seconds=100.0), stage.emit)

    first, second = given
    assert first == 100.0
    assert 0 < second < first


@pytest.mark.anyio
@pytest.mark.parametrize("recording", ["35-api-401", "37-api-403"])
async def test_a_login_in_a_file_that_is_refused_is_not_tried_again(
    stage: Stage, tmp_path: Path, login_in_a_file: dict[str, str], recording: str
) -> None:
    played = {"FAKE_CLAUDE_RECORDING": str(RECORDINGS / f"{recording}.jsonl"), "FAKE_CLAUDE_EXIT": "1"}
    agent = keeping_agent(stage, fake.replays, tmp_path, **login_in_a_file, **played)

    with pytest.raises(NotLoggedIn), anyio.fail_after(5):
        await agent.run(stage.task(), stage.emit)

    assert opened(stage) == [True]


@pytest.mark.anyio
@pytest.mark.parametrize("behaviour", [fake.retries_after_401, fake.finds_its_login_only_at_home])
async def test_a_key_in_the_environment_is_tried_once(stage: Stage, tmp_path: Path, behaviour: Behaviour) -> None:
    with pytest.raises(NotLoggedIn), anyio.fail_after(5):
        await keeping_agent(stage, behaviour, tmp_path).run(stage.task(), stage.emit)

    assert opened(stage) == [True]


@pytest.mark.anyio
async def test_one_whose_login_is_gone_is_not_begun_again_by_another(
    stage: Stage, tmp_path: Path, login_in_a_file: dict[str, str]
) -> None:
    task = interrupted(KeptConversations(tmp_path / "conversations"), stage.task())

    with pytest.raises(NotLoggedIn), anyio.fail_after(5):
        await keeping_agent(stage, fake.finds_its_login_only_at_home, tmp_path, **login_in_a_file).run(task, stage.emit)

    assert opened(stage) == [True]
    assert [header.parent.name for header in left_in(tmp_path)] == [task.resume_session]


@pytest.mark.anyio
async def test_where_there_is_no_place_for_it_the_work_is_done_all_the_same(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "conversations").write_text("in the way")

    with anyio.fail_after(5):
        reply = await keeping_agent(stage, fake.behaves, tmp_path).run(stage.task(), stage.emit)

    assert reply.text
    assert any("is not kept" in said.message for said in stage.said if isinstance(said, Progressed))


@pytest.mark.anyio
async def test_its_temporary_files_go_with_it(stage: Stage, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    agent = keeping_agent(stage, fake.tells_how_it_was_started, tmp_path, TMPDIR=str(place))

    with anyio.fail_after(5):
        environment = json.loads((await agent.run(stage.task(), stage.emit)).text)["environment"]

    for name in ("TMPDIR", "TMP", "TEMP", "CLAUDE_CODE_TMPDIR"):
        assert Path(environment[name]).parent == place
    await until(lambda: not list(place.iterdir()))


@pytest.mark.anyio
async def test_one_in_which_nothing_was_said_is_deleted(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(AgentMisconfigured), anyio.fail_after(5):
        await keeping_agent(stage, fake.writes_only_to_stderr, tmp_path).run(stage.task(), stage.emit)

    assert left_in(tmp_path) == []


@pytest.mark.anyio
async def test_it_is_told_whether_the_work_goes_on_or_starts_anew(stage: Stage, tmp_path: Path) -> None:
    task = interrupted(KeptConversations(tmp_path / "conversations"), stage.task())
    agent = keeping_agent(stage, fake.tells_how_it_was_started, tmp_path)

    with anyio.fail_after(5):
        facts = json.loads((await agent.run(task, stage.emit)).text)
        await agent.run(task, stage.emit)

    assert f"--resume={task.resume_session}" in facts["argv"]
    assert facts["prompt"].startswith(RESUMED_PREFIX)
    assert facts["prompt"].endswith("Your task:\n\ndo it")
    told = [said.message for said in stage.said if isinstance(said, Progressed) and "session_id" in said.details]
    assert [message for message in told if not message.startswith("claude ")] == [
        "goes on with its interrupted conversation",
        "starts anew, not where it was interrupted",
    ]
