"""The transcripts in the documentation are what the workflows really print."""

import pytest

from tests.transcripts import SCENES, masked, played, written
from workflows.catalog import BUILT_IN


def test_every_workflow_has_one() -> None:
    assert list(SCENES) == [workflow.name for workflow in BUILT_IN]


@pytest.mark.parametrize("name", SCENES)
def test_it_is_what_is_printed(name: str) -> None:
    assert masked(written(name)) == masked(played(SCENES[name]))
