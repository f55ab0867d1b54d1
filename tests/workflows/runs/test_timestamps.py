from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.runs.timestamps import in_utc, just_after, utc_now

moments = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=9, minutes=30))]),
)


@given(one=moments, other=moments)
def test_texts_compare_as_their_moments_do(one: datetime, other: datetime) -> None:
    first, second = in_utc(one.isoformat()), in_utc(other.isoformat())

    assert (first < second) == (one < other)
    assert (first == second) == (one == other)


def test_what_the_log_writes_stays_as_it_is() -> None:
    now = utc_now()

    assert in_utc(now) == now
    assert in_utc(just_after(now)) == just_after(now)


@pytest.mark.parametrize(
    ("given_as", "written"),
    [
        ("2026-11-21T00:00:00+02:00", "2026-11-20T22:00:00.000+00:00"),
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000+00:00"),
        ("2026-11-21T10:00:00", "2026-11-21T10:00:00.000+00:00"),
        ("2026-11-21", "2026-11-21T00:00:00.000+00:00"),
    ],
)
def test_any_form_is_understood(given_as: str, written: str) -> None:
    assert in_utc(given_as) == written


@pytest.mark.parametrize("text", ["yesterday", "", "0001-01-01T00:00:00+10:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        in_utc(text)
