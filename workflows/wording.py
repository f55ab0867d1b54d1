"""Numbers, said the way one would say them. Pure."""


def counted(number: int, noun: str) -> str:
    """Say how many: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
