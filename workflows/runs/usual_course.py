"""How runs of a workflow usually go: when each round of each stage begins and ends, as a part of the whole time. Pure.

Learned from the finished runs of this installation. The shares that a workflow is shipped with count as one run more:
without any other they are all there is, and with every run they weigh less.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Literal, TypeAlias

from workflows.runs.events import (
    GateOpened,
    Heartbeat,
    RunEvent,
    StageCompleted,
    StageStarted,
    TokenStream,
    WorkflowCompleted,
    WorkflowResumed,
)
from workflows.workflow import Stage

RoundKey: TypeAlias = tuple[str, int]
"""A stage, and which of its rounds, from 1."""


@dataclass(frozen=True, slots=True)
class UsualRound:
    """A round of a stage as it usually is.

    Attributes:
        begin: When it begins, as a part of the run's whole time, 0 to 1.
        end: When it ends.
        signs: How many signs of work there are in it; None where that is not known.
    """

    begin: float
    end: float
    signs: float | None = None


Usual: TypeAlias = Mapping[RoundKey, UsualRound]
"""Every round that is usual enough to be known."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Something that happened in a run and moves its bar.

    Attributes:
        seconds: When, from the run's beginning.
        what: A stage began, a stage ended, or there was a sign of work.
        stage: Which stage; empty for a sign of work.
    """

    seconds: float
    what: Literal["started", "completed", "worked"]
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """How one finished run went.

    Attributes:
        seconds: How long it took; above 0.
        beats: What happened, in order.
    """

    seconds: float
    beats: tuple[Beat, ...]

    @classmethod
    def of(cls, events: Sequence[RunEvent]) -> "Course | None":
        """The course of a run; None if its time is no measure for others.

        That is so if it did not reach its end, was interrupted, or waited for a person.

        Args:
            events: All of them, in order.
        """
        if not events or not isinstance(events[-1].body, WorkflowCompleted):
            return None
        if any(isinstance(event.body, WorkflowResumed | GateOpened) for event in events):
            return None
        began = _timestamp(events[0])
        seconds = _timestamp(events[-1]) - began
        beats = (_beat(event, _timestamp(event) - began) for event in events[:-1])
        return cls(seconds, tuple(beat for beat in beats if beat is not None)) if seconds > 0 else None


def shipped(stages: Sequence[Stage]) -> dict[RoundKey, UsualRound]:
    """What is usual before anything has been learned: one round of each stage, one after the other.

    Args:
        stages: In their usual order, with their usual shares.
    """
    total = sum(stage.share for stage in stages) or 1.0
    rounds: dict[RoundKey, UsualRound] = {}
    begin = 0.0
    for stage in stages:
        end = begin + stage.share / total
        rounds[stage.name, 1] = UsualRound(begin, end)
        begin = end
    return rounds


def usual(stages: Sequence[Stage], courses: Iterable[Course]) -> dict[RoundKey, UsualRound]:
    """What is usual: the median of what was seen, the shipped shares counted as one run.

    Args:
        stages: The workflow's.
        courses: Of its finished runs.
    """
    seen: defaultdict[RoundKey, list[UsualRound]] = defaultdict(list)
    for key, one in shipped(stages).items():
        seen[key].append(one)
    for course in courses:
        for key, one in _rounds_of(course).items():
            seen[key].append(one)
    return {key: _median(rounds) for key, rounds in seen.items()}


def _median(rounds: Sequence[UsualRound]) -> UsualRound:
    signs = [one.signs for one in rounds if one.signs is not None]
    begin = median(one.begin for one in rounds)
    end = max(begin, median(one.end for one in rounds))
    return UsualRound(begin, end, median(signs) if signs else None)


@dataclass(slots=True)
class _Open:
    begin: float
    signs: int = 0


@dataclass(slots=True)
class _Reader:
    """Reads a course round by round."""

    seconds: float
    rounds: dict[RoundKey, UsualRound] = field(default_factory=dict[RoundKey, UsualRound])
    open: dict[str, _Open] = field(default_factory=dict[str, _Open])
    begun: Counter[str] = field(default_factory=Counter[str])

    def take(self, beat: Beat) -> None:
        match beat.what:
            case "started":
                self.begun[beat.stage] += 1
                self.open[beat.stage] = _Open(beat.seconds / self.seconds)
            case "worked":
                for round_ in self.open.values():
                    round_.signs += 1
            case "completed":
                round_ = self.open.pop(beat.stage, None)
                if round_ is not None:
                    key = beat.stage, self.begun[beat.stage]
                    self.rounds[key] = UsualRound(round_.begin, beat.seconds / self.seconds, round_.signs)


def _rounds_of(course: Course) -> Mapping[RoundKey, UsualRound]:
    reader = _Reader(course.seconds)
    for beat in course.beats:
        reader.take(beat)
    return reader.rounds


def _beat(event: RunEvent, seconds: float) -> Beat | None:
    match event.body:
        case StageStarted(stage=stage):
            return Beat(seconds, "started", stage)
        case StageCompleted(stage=stage):
            return Beat(seconds, "completed", stage)
        case TokenStream() | Heartbeat():  # as in `workflows.runs.chronicle`: these are no signs of work
            return None
        case _:
            return Beat(seconds, "worked")


def _timestamp(event: RunEvent) -> float:
    return datetime.fromisoformat(event.time).timestamp()
