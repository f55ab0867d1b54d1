import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.runs.redaction import MASK, Redactor

SECRET = "n0t-a-shape-but-a-secret"


@pytest.mark.parametrize(
    "text",
    [
        "sk-ant-api03-" + "a" * 40,
        "ghp_" + "b" * 36,
        "github_pat_" + "c" * 30,
        "xoxb-1234567890-abcdefghij",
        "AKIA" + "D" * 16,
        "AIza" + "e" * 35,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_secret_is_known_by_its_shape(text: str) -> None:
    assert Redactor({}).redact(f"before {text} after") == f"before {MASK} after"


def test_an_authorization_header_keeps_its_name_and_loses_its_value() -> None:
    redact = Redactor({}).redact
    assert redact("use Bearer abcdef0123456789 here") == "use Bearer *** here"
    assert "abcdef0123456789" not in redact("Authorization: Bearer abcdef0123456789")
    assert "hunter2hunter2" not in redact('{"x-api-key": "hunter2hunter2"}')


@pytest.mark.parametrize("name", ["MY_API_KEY", "DB_PASSWORD", "GITHUB_TOKEN", "CLIENT_SECRET", "service_token"])
def test_the_value_of_a_variable_named_like_a_secret_is_masked_anywhere(name: str) -> None:
    assert Redactor({name: SECRET}).redact(f"curl -H {SECRET}x") == f"curl -H {MASK}x"


def test_short_values_and_paths_are_not_secrets() -> None:
    redactor = Redactor({"USE_TOKEN": "yes", "SSH_KEY": "/home/somebody/.ssh/id"})
    assert redactor.redact("yes, /home/somebody/.ssh/id") == "yes, /home/somebody/.ssh/id"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "The task-basic-tokenizer sorts keys; see basic usage and the bearer of news."
    assert Redactor({}).redact(text) == text


@given(st.text(), st.text())
def test_no_text_around_a_secret_saves_it(before: str, after: str) -> None:
    assert SECRET not in Redactor({"A_TOKEN": SECRET}).redact(before + SECRET + after)
