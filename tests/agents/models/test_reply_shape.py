"""Typed replies: what a model is told of a shape, and what of its answers is taken."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from agents.models.call_arguments import arguments_of
from agents.models.reply_shape import ReplyMisfit, read_reply, reply_schema_of, told_schema
from agents.models.secrets import without_secrets


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    age: int


ADA = Person(name="Ada", age=36)


@pytest.mark.parametrize(
    "text",
    [
        '{"name":"Ada","age":36}',
        ' \n{"name": "Ada", "age": 36}\n ',
        '```json\n{"name":"Ada","age":36}\n```',
        '```\n{"name":"Ada","age":36}\n```',
        'Here it is:\n\n```JSON\n{"name":"Ada","age":36}\n```\nAnything else?',
    ],
)
def test_a_reply_of_the_shape_is_read(text: str) -> None:
    assert read_reply(text, Person) == ADA


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Invalid JSON"),
        ("Ada is 36.", "Invalid JSON"),
        ('{"name":"Ada"}', "age: Field required"),
        ('{"name":"Ada","age":"old"}', "age: Input should be a valid integer"),
        ('{"name":"Ada","age":36,"born":1815}', "born: Extra inputs are not permitted"),
        ('```json\n{"name":"Ada"}\n```', "age: Field required"),
        ("[]", "the whole: Input should be an object"),
    ],
)
def test_another_reply_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ReplyMisfit, match=why):
        read_reply(text, Person)


def test_a_reply_that_is_wrong_all_over_is_told_in_a_few_lines() -> None:
    class Wide(BaseModel):
        a: int
        b: int
        c: int
        d: int
        e: int
        f: int
        g: int

    with pytest.raises(ReplyMisfit) as misfit:
        read_reply("{}", Wide)
    assert str(misfit.value).splitlines()[-1] == "- and 2 more"


def test_what_the_model_wrote_is_not_repeated_to_it() -> None:
    with pytest.raises(ReplyMisfit) as misfit:
        read_reply('{"name":"Ada","age":"a very long story"}', Person)
    assert "story" not in str(misfit.value)


@given(name=st.text(), age=st.integers(min_value=-(2**53), max_value=2**53))
def test_whatever_fits_is_read_as_it_is(name: str, age: int) -> None:
    person = Person(name=name, age=age)
    text = json.dumps({"name": name, "age": age})

    assert read_reply(text, Person) == person
    assert read_reply(f"```json\n{text}\n```", Person) == person


@given(st.text())
def test_any_text_is_a_reply_or_a_misfit(text: str) -> None:
    with pytest.raises(ReplyMisfit):
        read_reply(text, Person)


def test_a_generic_shape_has_a_name_that_providers_take() -> None:
    shape = type("List[Person, ...]", (Person,), {})

    assert reply_schema_of(shape).name == "List_Person__..._".replace(".", "_")


def test_the_schema_is_told_whole() -> None:
    told = told_schema(reply_schema_of(Person))

    assert json.loads(told.partition("\n")[2]) == Person.model_json_schema()


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        ("  ", {}),
        ("{}", {}),
        ('{"a": [1, null]}', {"a": [1, None]}),
        ("[]", None),
        ("null", None),
        ('"a"', None),
        ('{"a":', None),
        ('{"a": NaN}', None),
    ],
)
def test_arguments_are_one_json_object(text: str, arguments: object) -> None:
    assert arguments_of(text) == arguments


def test_secrets_are_hidden_wherever_they_stand() -> None:
    assert without_secrets("a sk-1234 and sk-1234", ("sk-1234", None, "")) == "a *** and ***"
    assert without_secrets("a cat", ("a",)) == "a cat"
