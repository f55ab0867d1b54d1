"""How moments are written: ISO 8601 in UTC with milliseconds, so that comparing the texts compares the moments."""

from datetime import UTC, datetime, timedelta


def utc_now() -> str:
    """This moment, for example `2026-11-21T10:00:00.123+00:00`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


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
