"""Which versions of the CLI are known to honour what keeps an agent within its bounds."""

import re

KNOWN_VERSION = "2.1.329"
"""The version on which all was measured. Older ones may work as well; nobody has looked."""


def is_known_version(version: str) -> bool:
    """Whether a version is the measured one or a later one; one that is not said as three numbers is let pass."""
    said, known = _numbers_of(version), _numbers_of(KNOWN_VERSION)
    return not said or said >= known


def _numbers_of(version: str) -> tuple[int, ...]:
    found = re.match(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})", version)
    return () if found is None else tuple(map(int, found.groups()))
