"""Makes foreign text harmless: what a model, a tool or a file says, as plain characters that are only ever shown.

Out go terminal escape sequences, control characters, characters that turn the direction of writing or are invisible,
and halves of surrogate pairs, which no JSON can carry. Joiners and variation selectors stay: emoji are made of them.
"""

import re
import unicodedata

ELLIPSIS = "…"

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|\Z)"  # CSI: colours, cursor; also one that is not all here yet
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS and the like: titles, links
    r"|\x1b[ -/]*[0-~]"  # the short ones
)
_TAB = "    "
_EMOJI_PARTS = frozenset("\u200c\u200d")
_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def plain_text(text: str) -> str:
    """The text without anything a terminal would obey; lines stay lines.

    Args:
        text: Anything at all.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text or not text.isprintable():
        text = _ESCAPE_SEQUENCE.sub("", text)
        text = "".join(character if character.isprintable() else _harmless(character) for character in text)
    return text


def one_line(text: str, limit: int | None = None) -> str:
    """The text on one line, harmless, white space collapsed.

    Args:
        text: Anything at all.
        limit: Characters it may have; what is longer ends with an ellipsis.
    """
    if limit is not None:
        text = text[: 8 * limit + 200]  # leaves room for what is taken out, and bounds the work
    line = " ".join(plain_text(text).split())
    return line if limit is None else shorten(line, limit)


def shorten(text: str, limit: int) -> str:
    """The beginning of a text, with an ellipsis where it is cut; never cut inside a character made of several.

    Args:
        text: Harmless text.
        limit: Characters the result may have, the ellipsis counted.
    """
    if len(text) <= limit:
        return text
    if limit <= 0:
        return ""
    end = limit - 1
    while end > 0 and _belongs_to_the_one_before(text, end):
        end -= 1
    return text[:end].rstrip() + ELLIPSIS


def ending(text: str, limit: int) -> str:
    """The end of a text on one line, from the beginning of a line, a sentence or at least a word.

    Args:
        text: Anything at all.
        limit: Characters the result may have, at least 2; an ellipsis says where it is cut.
    """
    text = plain_text(text).rstrip()
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    window = text[2 - limit :] if limit > 2 else ""
    beginnings = (match.end() for match in _BEGINNING.finditer(window))
    begin = next((begin for begin in beginnings if len(window) - begin >= limit // 3), None)
    if begin is not None:
        return " ".join(window[begin:].split())
    begin = max(0, window.find(" ", 0, limit // 2) + 1)
    while begin < len(window) and _belongs_to_the_one_before(window, begin):
        begin += 1
    return f"{ELLIPSIS} {' '.join(window[begin:].split())}".rstrip()


_BEGINNING = re.compile(r"(?:[.!?]\s+|\n\s*)(?=\S)")
"""Of a sentence or a line."""


def _harmless(character: str) -> str:
    if character in "\n\u2028\u2029\x85\x0b\x0c":
        return "\n"
    if character == "\t":
        return _TAB
    if character in _EMOJI_PARTS:
        return character
    match unicodedata.category(character):
        case "Zs":
            return " "
        case "Cs":
            return "\ufffd"
        case "Co" | "Cn":  # private or not yet known to this Python: ugly at worst
            return character
        case _:
            return ""


def _belongs_to_the_one_before(text: str, index: int) -> bool:
    character = text[index]
    return (
        unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or character == _JOINER
        or text[index - 1 : index] == _JOINER
        or ord(character) in _SKIN_TONES
    )
