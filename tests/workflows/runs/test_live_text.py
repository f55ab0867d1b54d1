import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.runs.events import AgentEvent, EventBody, TokenStream, WorkflowCancelled
from workflows.runs.live_text import LONGEST_HELD, LiveText
from workflows.runs.redaction import Redactor

KEY = "sk-ant-api03-ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ENVIRON = {"A_TOKEN": "n0t-a-shape-but-a-secret", "B_PASSWORD": "correct horse battery"}
SECRETS = [
    KEY,
    "n0t-a-shape-but-a-secret",
    "correct horse battery",
    "Bearer abcdef0123456789",
    'Authorization: Bearer abcdef0123456789"',
    '"password": "hunter2hunter2"',
    "DB_PASSWORD=hunter2hunter2",
    "postgres://me:hunter2hunter2@host/db",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE ABCD\nEFGH\n-----END RSA PRIVATE KEY-----",
]
NEVER_SEEN = ["ABCDEFGHIJ", "but-a-secret", "horse battery", "abcdef0123", "hunter2", "dozjgNry", "EFGH"]


def live() -> LiveText:
    return LiveText(Redactor(ENVIRON))


def piece(text: str, agent: str = "coder", channel: str = "text") -> TokenStream:
    assert channel in {"text", "thinking"}
    return TokenStream(agent=agent, channel="text" if channel == "text" else "thinking", text=text)


def texts(bodies: list[EventBody]) -> list[str]:
    return [body.text for body in bodies if isinstance(body, TokenStream)]


def test_a_word_is_held_back_until_it_is_over() -> None:
    stream = live()
    assert texts(list(stream.said(piece("hello wor")))) == ["hello "]
    assert texts(list(stream.said(piece("ld")))) == []
    assert texts(list(stream.said(piece(" and")))) == ["world "]


def test_text_without_white_space_between_its_words_does_not_wait() -> None:
    assert texts(list(live().said(piece("没有空格的文字")))) == ["没有空格的文字"]


def test_any_other_event_of_the_agent_brings_out_what_is_held() -> None:
    stream = live()
    list(stream.said(piece("hello", agent="other")))
    list(stream.said(piece("hello")))
    told = list(stream.said(AgentEvent(agent="coder", event_type="think")))
    assert [type(body) for body in told] == [TokenStream, AgentEvent]
    assert [body.agent for body in told if isinstance(body, TokenStream)] == ["coder"]


def test_the_other_channel_of_the_same_agent_keeps_the_order() -> None:
    stream = live()
    list(stream.said(piece("let me see", channel="thinking")))
    assert texts(list(stream.said(piece("so it is")))) == ["see", "so it "]


def test_the_end_of_the_run_brings_out_everything() -> None:
    stream = live()
    list(stream.said(piece("one", agent="a")))
    list(stream.said(piece("two", agent="b")))
    told = list(stream.said(WorkflowCancelled(by="me", reason="", partial={})))
    assert texts(told) == ["one", "two"]
    assert isinstance(told[-1], WorkflowCancelled)


def test_what_never_ends_is_not_held_for_ever() -> None:
    stream = live()
    shown = "".join(text for _ in range(10) for text in texts(list(stream.said(piece("a" * 50)))))
    assert len(shown) >= 500 - LONGEST_HELD


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_comes_in_pieces_of_any_size_is_masked(secret: str) -> None:
    redactor = Redactor(ENVIRON)
    story = f"before {secret} after"
    for size in range(1, len(story)):
        stream = LiveText(redactor)
        pieces = [story[start : start + size] for start in range(0, len(story), size)]
        shown = "".join(redactor.redact(text) for part in pieces for text in texts(list(stream.said(piece(part)))))
        shown += "".join(redactor.redact(body.text) for body in stream.flushed())
        assert not [word for word in NEVER_SEEN if word in shown], (size, shown)
        assert shown.startswith("before ")
        assert shown.endswith(" after")


@given(st.lists(st.text(alphabet="ab \n\u00e9", max_size=30), max_size=30))
def test_no_text_is_lost_or_moved(pieces: list[str]) -> None:
    stream = live()
    shown = [text for part in pieces for text in texts(list(stream.said(piece(part))))]
    shown += [body.text for body in stream.flushed()]
    assert "".join(shown) == "".join(pieces)
