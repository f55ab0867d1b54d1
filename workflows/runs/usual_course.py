"""How runs of a workflow usually go: when each round of each stage begins and ends, as a part of the whole time. Pure.

Learned from the finished runs of this installation. The shares that a workflow is shipped with count as one run more:
without any other they are all there is, and with every run they weigh less.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
History: TypeAlias = tuple[str, ...]
"""The stages that have begun so far, each as often as it has, in that order; the newest last."""


@dataclass(frozen=True, slots=True)
class UsualRound:
    """A round of a stage as it usually is.

    Attributes:
        begin: When it begins, as a part of the run's whole time, 0 to 1.
        end: When it ends.
        signs: How many signs of work there are in it; None where that is not known.
        before: Seconds from the run's beginning to it; None where no run was seen, and so for the next two.
        within: Seconds that it takes.
        after: Seconds from its end to the run's end.
    """

    begin: float
    end: float
    signs: float | None = None
    before: float | None = None
    within: float | None = None
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    """How runs of a workflow usually go.

    Attributes:
        rounds: Every round that was seen, whatever was before it.
        histories: The same, apart for each way that runs have taken to it.
        signs_between: How many signs of work there are between two stages, where a supervisor decides for example; None
            where that is not known.
    """

    rounds: Mapping[RoundKey, UsualRound]
    histories: Mapping[History, UsualRound] = field(default_factory=dict[History, UsualRound])
    signs_between: float | None = None

    def round_of(self, history: History) -> UsualRound | None:
        """The round that has just begun: as it was in runs that came the same way, else as it was in any.

        Args:
            history: Not empty.
        """
        same_way = self.histories.get(history)
        return same_way or self.rounds.get((history[-1], history.count(history[-1])))

    def next_begin(self, history: History, value: float) -> float:
        """When the round after a history usually begins: the earliest of those that may follow.

        Args:
            history: What has begun so far; may be empty.
            value: The part of the time that has gone already, 0 to 1; the least that is returned.
        """
        followers = [one.begin for way, one in self.histories.items() if way[:-1] == history]
        if not followers:
            followers = [
                one.begin for (stage, number), one in self.rounds.items() if number == history.count(stage) + 1
            ]
        return max(value, min(followers, default=value))


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


def shipped(stages: Sequence[Stage]) -> Usual:
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
    return Usual(rounds)


def usual(stages: Sequence[Stage], courses: Iterable[Course]) -> Usual:
    """What is usual: the median of what was seen, the shipped shares counted as one run.

    Args:
        stages: The workflow's.
        courses: Of its finished runs.
    """
    rounds: defaultdict[RoundKey, list[UsualRound]] = defaultdict(list)
    histories: defaultdict[History, list[UsualRound]] = defaultdict(list)
    between: list[int] = []
    for key, one in shipped(stages).rounds.items():
        rounds[key].append(one)
    for course in courses:
        reader = _Reader.of(course)
        for history, one in reader.rounds:
            rounds[history[-1], history.count(history[-1])].append(one)
            histories[history].append(one)
        between += reader.between
    return Usual(
        {key: _median(seen) for key, seen in rounds.items()},
        {history: _median(seen) for history, seen in histories.items()},
        _middle(between) if between else None,
    )


def _middle(values: Iterable[float]) -> float:
    """The value in the middle; its module is imported by the first run and not by an idle server."""
    from statistics import median

    return median(values)


def _median(rounds: Sequence[UsualRound]) -> UsualRound:
    begin = _middle(one.begin for one in rounds)
    return UsualRound(
        begin,
        max(begin, _middle(one.end for one in rounds)),
        _median_known(one.signs for one in rounds),
        _median_known(one.before for one in rounds),
        _median_known(one.within for one in rounds),
        _median_known(one.after for one in rounds),
    )


def _median_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _middle(known) if known else None


@dataclass(slots=True)
class _Open:
    history: History
    seconds: float
    signs: int = 0


@dataclass(slots=True)
class _Reader:
    """Reads a course round by round.

    Attributes:
        rounds: Those that have ended, each with what had begun by then.
        between: How many signs of work there were each time that no stage was at work.
    """

    seconds: float
    rounds: list[tuple[History, UsualRound]] = field(default_factory=list[tuple[History, UsualRound]])
    between: list[int] = field(default_factory=list[int])
    _history: History = ()
    _open: dict[str, _Open] = field(default_factory=dict[str, _Open])
    _signs_between: int = 0

    @classmethod
    def of(cls, course: Course) -> "_Reader":
        reader = cls(course.seconds)
        for beat in course.beats:
            reader._take(beat)
        return reader

    def _take(self, beat: Beat) -> None:
        match beat.what:
            case "started":
                if not self._open:
                    self.between.append(self._signs_between)
                    self._signs_between = 0
                self._history = (*self._history, beat.stage)
                self._open[beat.stage] = _Open(self._history, beat.seconds)
            case "worked":
                for one in self._open.values():
                    one.signs += 1
                self._signs_between += not self._open
            case "completed":
                one = self._open.pop(beat.stage, None)
                if one is not None:
                    self.rounds.append((one.history, self._round(one, beat.seconds)))

    def _round(self, one: _Open, ended: float) -> UsualRound:
        return UsualRound(
            begin=one.seconds / self.seconds,
            end=ended / self.seconds,
            signs=one.signs,
            before=one.seconds,
            within=ended - one.seconds,
            after=self.seconds - ended,
        )


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
