"""Reads a shell's command line as far as one must to know which programs it runs, in which order. Pure.

No shell: what is quoted, substituted or redirected is only kept apart from what is run. Whatever cannot be read ends
where the line ends; nothing is too strange.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

_HERE_DOCUMENT = re.compile(r"(?<!<)<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")
_TOKEN = re.compile(
    r"(?P<comment>(?<![^\s;|&(){}])#[^\n]*)"
    r"|(?P<space>[ \t\r]+|\\\n)"
    r"|(?P<redirection>\d?(?:<<<|>>|>\||<>|[<>]&?|&>>?)[ \t]*(?:&?\d+-?)?)"
    r"|(?P<separator>&&|\|\||\|&|[;|&\n])"
    r"|(?P<group>[(){}](?=[\s;|&(){}]|$)|[()])"
    r"|(?P<single>'[^']*(?:'|\Z))"
    r"|(?P<double>\"(?:[^\"\\]|\\.|\\\Z)*(?:\"|\Z))"
    r"|(?P<substitution>\$\([^()]*(?:\([^()]*\)[^()]*)*(?:\)|\Z)|`[^`]*(?:`|\Z))"
    r"|(?P<escaped>\\.|\\\Z)"
    r"|(?P<plain>.)",
    re.DOTALL,
)
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_SCRIPT_OPTION = re.compile(r"^-[a-z]*c$")
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class SimpleCommand:
    """One program of a command line.

    Attributes:
        words: The program and its arguments, without quotes.
        after: The separator behind it: `&&`, `||`, `|`, `;`, `&`, or empty at the end.
    """

    words: tuple[str, ...]
    after: str


def commands_of(line: str, depth: int = 0) -> list[SimpleCommand]:
    """The programs a command line runs, in order; what `sh -c '...'` runs stands in its place.

    Args:
        line: As it was given to a shell.
        depth: How many shells it is already inside of.
    """
    found: list[SimpleCommand] = []
    for command in _Reader().read(_without_here_documents(line)):
        inner = _script_of(command.words) if depth < _DEEPEST else None
        commands = [] if inner is None else commands_of(inner, depth + 1)
        if commands:
            found += [*commands[:-1], replace(commands[-1], after=command.after)]
        else:
            found.append(command)
    return found


@dataclass(slots=True)
class _Reader:
    """Reads token by token."""

    done: list[SimpleCommand] = field(default_factory=list[SimpleCommand])
    words: list[str] = field(default_factory=list[str])
    word: str | None = None
    skips_a_word: bool = False

    def read(self, line: str) -> list[SimpleCommand]:
        for token in _TOKEN.finditer(line):
            self._take(token.lastgroup or "", token.group())
        self._end_command("")
        return self.done

    def _take(self, kind: str, text: str) -> None:
        match kind:
            case "space" | "comment" | "group":
                self._end_word()
            case "redirection":
                self._end_word()
                self.skips_a_word = not text.rstrip()[-1:].isdigit() and not text.endswith("-")
            case "separator":
                self._end_command(";" if text == "\n" else "|" if text == "|&" else text)
            case "single" | "double":
                self._add(text[1:-1] if len(text) > 1 and text[-1] == text[0] else text[1:])
            case "escaped":
                self._add(text[1:])
            case _:
                self._add(text)

    def _add(self, text: str) -> None:
        self.word = (self.word or "") + text

    def _end_word(self) -> None:
        if self.word is not None and not self.skips_a_word:
            self.words.append(self.word)
        if self.word is not None:
            self.skips_a_word = False
        self.word = None

    def _end_command(self, after: str) -> None:
        self._end_word()
        self.skips_a_word = False
        if self.words:
            self.done.append(SimpleCommand(tuple(self.words), after))
            self.words = []


def name_of(word: str) -> str:
    """A program's name without its directory."""
    return re.split(r"[/\\]", word)[-1]


def _script_of(words: Sequence[str]) -> str | None:
    """What a shell is given to run as text; None if these words start no such shell."""
    if not words or name_of(words[0]) not in _SHELLS:
        return None
    places = [place for place, word in enumerate(words[:-1]) if place and _SCRIPT_OPTION.match(word)]
    return words[places[0] + 1] if places else None


def _without_here_documents(line: str) -> str:
    kept: list[str] = []
    open_until: list[str] = []
    for part in line.split("\n"):
        if not open_until:
            kept.append(_HERE_DOCUMENT.sub(" ", part))
            open_until = [match[2] for match in _HERE_DOCUMENT.finditer(part)]
        elif part.strip() == open_until[0]:
            del open_until[0]
    return "\n".join(kept)
