"""One line for people: texts cut to size, and numbers said the way one would say them."""

ONE_LINE_CHARACTERS = 200


def one_line(text: str, characters: int = ONE_LINE_CHARACTERS) -> str:
    """Take the first line that says something, cut to a number of characters."""
    line = next((part for part in map(str.strip, text.splitlines()) if part), "")
    return line if len(line) <= characters else line[: characters - 1] + "…"


def first_sentence(text: str) -> str:
    """Take the first sentence of the first line."""
    line = one_line(text, 10 * ONE_LINE_CHARACTERS)
    sentence, stop, _ = line.partition(". ")
    return one_line(sentence + stop.strip())


def whole_seconds(seconds: float) -> str:
    """Say a wait: at least `1 s`."""
    return f"{max(1, round(seconds))} s"


def counted(number: int, noun: str) -> str:
    """Say how many: `1 tool call`, `1,024 tokens`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
