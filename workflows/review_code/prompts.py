"""What each reviewer is asked. Pure."""

from collections.abc import Sequence

from agents.review_roles import Aspect
from workflows.quotes import Quotes, joined, preamble
from workflows.review_code.contract import Subject

_ABOUT_CHANGES = (
    "Report what these changes bring in or leave wrong. Read the files themselves, as they are now, and what depends "
    "on them; what was wrong before and has nothing to do with the changes is not asked for."
)
_QUOTES = Quotes(("focus", "files", "diff", "left_out"))


def reviewer_prompt(aspect: Aspect, subject: Subject, text: str, points: Sequence[str]) -> str:
    """Ask for the review of one aspect.

    Args:
        aspect: Which.
        subject: What is reviewed.
        text: The diff, or the list of files.
        points: What the reviewers look at in particular.
    """
    return joined(
        preamble("focus"),
        _QUOTES.quoted("focus", _lines(points), "What the user wants looked at in particular", longest=None),
        f"Under review: {subject.description}.",
        *(_of_diff(subject, text) if subject.kind == "diff" else _of_tree(text)),
        _QUOTES.quoted("left_out", _lines(subject.left_out), "Not given here, or only in part; read it if it matters"),
        f"Review it for {aspect}, and deliver the review.",
    )


def _of_diff(subject: Subject, text: str) -> tuple[str, str, str]:
    return (
        _QUOTES.quoted("files", "\n".join(subject.files), "Files with changes under review", longest=None),
        _QUOTES.quoted("diff", text, "The changes; line numbers of findings are those behind the +", longest=None),
        _ABOUT_CHANGES,
    )


def _of_tree(text: str) -> tuple[str, str]:
    return (
        _QUOTES.quoted("files", text, "The files, with how many lines each has", longest=None),
        "You cannot read everything at once: begin with what matters most, and say in your summary what you have read.",
    )


def _lines(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)
