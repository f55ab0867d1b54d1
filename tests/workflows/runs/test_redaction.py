import time
from pathlib import Path

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


def test_short_values_and_paths_of_files_are_not_secrets(tmp_path: Path) -> None:
    key = tmp_path / "id"
    key.touch()
    redactor = Redactor({"USE_TOKEN": "yes", "SSH_KEY": str(key)})
    assert redactor.redact(f"yes, {key}") == f"yes, {key}"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "The task-basic-tokenizer sorts keys; see basic usage and the bearer of news."
    assert Redactor({}).redact(text) == text


@given(st.text(), st.text())
def test_no_text_around_a_secret_saves_it(before: str, after: str) -> None:
    assert SECRET not in Redactor({"A_TOKEN": SECRET}).redact(before + SECRET + after)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgres://me:hunter2hunter2@host/db", "postgres://me:***@host/db"),
        ("https://:pw@host", "https://:***@host"),
        ('{"password": "correct horse"}', '{"password": "***"}'),
        (r'"{\"db_password\": \"hunter2\"}"', r'"{\"db_password\": \"***\"}"'),
        ("'api_key': 'abcdefgh'", "'api_key': '***'"),
        ("ANTHROPIC_API_KEY=abcdefghijklmnop", "ANTHROPIC_API_KEY=***"),
        ("export DB_PASSWORD='hunter2'", "export DB_PASSWORD='***'"),
        ("TOKEN=abcd1234", "TOKEN=***"),
    ],
)
def test_a_secret_is_known_by_what_stands_before_it(text: str, masked: str) -> None:
    assert Redactor({}).redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:8080/x@y",
        "MAX_TOKENS=4096",
        "SECRET_KEY=$FOO",
        "token = tokenizer.next()",
        'API_KEY = os.environ["API_KEY"]',
        '"max_tokens": 5',
        "see https://example.com/a:b and me@host",
    ],
)
def test_what_only_looks_a_little_like_it_stays(text: str) -> None:
    assert Redactor({}).redact(text) == text


def test_a_secret_that_begins_like_a_path_is_one_unless_something_is_there() -> None:
    value = "/abcdEFGH12345678abcdEFGH12345678abcdEFGH"
    assert Redactor({"AWS_SECRET_ACCESS_KEY": value}).redact(f"it is {value}") == "it is ***"


def test_the_password_in_an_address_of_the_environment_is_masked_anywhere() -> None:
    redactor = Redactor({"DATABASE_URL": "postgres://me:hunter2hunter2@host/db"})
    assert redactor.redact("log in with hunter2hunter2") == "log in with ***"


@pytest.mark.parametrize("part", ["eyJ", '"a-', "a://b:", "A_", '\\"', "-----BEGIN PRIVATE KEY-----", "authorization:"])
def test_a_large_text_takes_no_long_time(part: str) -> None:
    text = part * (100_000 // len(part))
    began = time.monotonic()
    Redactor({}).redact(text)
    assert time.monotonic() - began < 1
