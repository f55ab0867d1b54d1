"""How moments are written: ISO 8601 in UTC with milliseconds, so that comparing the texts compares the moments."""

from datetime import UTC, datetime, timedelta


def utc_now() -> str:
    """This moment, for example `2026-11-21T10:00:00.123+00:00`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def just_after(moment: str) -> str:
    """The given moment and one microsecond; sorts, as text, right behind every moment of the same millisecond."""
    return (datetime.fromisoformat(moment) + timedelta(microseconds=1)).isoformat(timespec="microseconds")
