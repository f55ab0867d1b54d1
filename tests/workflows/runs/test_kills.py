"""However often and whenever the server is killed: every run ends, nothing is finished twice, nothing is missing."""

import sys
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workflows.runs.kills import STAGES, Work, survive


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives=st.lists(st.floats(0.02, 0.6), min_size=3, max_size=8))
def test_runs_survive_servers_that_are_killed_at_any_moment(lives: list[float]) -> None:
    left = chain(lives, repeat(0.5))
    with TemporaryDirectory() as directory:
        survival = survive(Path(directory), Work(runs=3), kills=len(lives), life=lambda: next(left))
    assert [run.status for run in survival.runs] == ["completed"] * 3
    assert (survival.redone, survival.missing, survival.gaps) == ([], [], [])
    assert survival.works <= 3 * (len(STAGES) + survival.kills)
