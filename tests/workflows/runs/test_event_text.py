"""Events are passed on as they are kept only where this version could read them as well."""

import pytest

from workflows.runs.errors import LogUnavailable
from workflows.runs.event_text import split


def test_an_event_of_a_newer_version_is_said_to_be_one() -> None:
    with pytest.raises(LogUnavailable, match="'dreamt', which this version does not know") as caught:
        split('[{"run_id":"r","seq":1,"time":"","type":"dreamt","message":"","progress":0}]')

    assert "Upgrade" in caught.value.recovery[0]


@pytest.mark.parametrize("text", ["", "[", "{}", "[1]", '[{"seq":1}]', '[{"seq":"1","type":"heartbeat"}]', "[{}]"])
def test_what_is_no_list_of_events_is_said_to_be_damaged(text: str) -> None:
    with pytest.raises(LogUnavailable, match="cannot be read"):
        split(text)
