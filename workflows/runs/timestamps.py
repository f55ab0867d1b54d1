"""How moments are written: ISO 8601 in UTC with milliseconds, so that comparing the texts compares the moments."""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache


def utc_now() -> str:
    """This moment, for example `2026-11-21T10:00:00.123+00:00`."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds // 1_000_000:03d}+00:00"


@lru_cache(maxsize=2)
def _second(unix_seconds: int) -> str:
    """A second as text: to write it anew for every event takes longer than all else that is done with the event."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="seconds").removesuffix("+00:00")


def in_utc(moment: str) -> str:
    """A moment in any form of ISO 8601, written so that it can be compared; one without an offset is taken for UTC.

    Raises:
        ValueError: It is no moment, or one that is no date in UTC.
    """
    given = datetime.fromisoformat(moment)
    try:
        moved = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{moment!r} is too far away") from error
    return moved.isoformat(timespec="microseconds" if moved.microsecond % 1000 else "milliseconds")


def just_after(moment: str) -> str:
    """The given moment and one microsecond; sorts, as text, right behind every moment of the same millisecond."""
    return (datetime.fromisoformat(moment) + timedelta(microseconds=1)).isoformat(timespec="microseconds")
