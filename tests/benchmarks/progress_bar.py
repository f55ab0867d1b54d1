"""How true the bar is: recorded runs are played again, and the bar is held against the part of the time that is over.

Each run's bar has learned from the other recorded runs of its workflow, never from the run itself. The error is the
mean over the run's time. Beside it stands a naive bar, which counts the stages that are done, and the bar that has
learned nothing yet. tests/recordings/runs/README.md says what was recorded.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import orjson

from tests.benchmarks.row import Row
from workflows.catalog import Catalog
from workflows.runs.fraction import Fraction
from workflows.runs.usual_course import Beat, Course, Usual, shipped, usual
from workflows.workflow import Stage, Workflow

RECORDINGS = Path(__file__).parents[1] / "recordings" / "runs"
HALF = 0.5

Bar = Callable[[Beat], float]
"""Takes a beat and gives the bar, 0 to 1."""


def measure(*, small: bool = False) -> list[Row]:
    """Replay all recorded runs."""
    del small  # it takes milliseconds
    rows: list[Row] = []
    all_errors: list[Errors] = []
    for path in sorted(RECORDINGS.glob("*.jsonl")):
        errors = errors_of(Catalog.with_own().get(path.stem), courses(path))
        rows.append(_row(f"mean error of the bar, `{path.stem}`, {len(errors)} recorded runs", errors, target=False))
        all_errors += errors
    return [*rows, _row(f"mean error of the bar, all {len(all_errors)} recorded runs", all_errors, target=True)]


@dataclass(frozen=True, slots=True)
class Errors:
    """The mean absolute errors of one run's bars, as parts of the whole."""

    learned: float
    unlearned: float
    naive: float


def courses(path: Path) -> list[Course]:
    """The recorded courses of a file."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return [Course(line["seconds"], tuple(Beat(*beat) for beat in line["beats"])) for line in lines]


def errors_of(workflow: Workflow, recorded: Sequence[Course]) -> list[Errors]:
    """The errors of each run; its bar has learned from the others."""
    found: list[Errors] = []
    for number, course in enumerate(recorded):
        others = [*recorded[:number], *recorded[number + 1 :]]
        found.append(
            Errors(
                learned=error(course, played_bar(workflow.stages, usual(workflow.stages, others))),
                unlearned=error(course, played_bar(workflow.stages, shipped(workflow.stages))),
                naive=error(course, stages_done(workflow.stages)),
            )
        )
    return found


def played_bar(stages: Sequence[Stage], learned: Usual) -> Bar:
    """The bar as a run moves it, by the run's own clock."""
    now = 0.0
    fraction = Fraction(stages, learned, lambda: now)

    def bar(beat: Beat) -> float:
        nonlocal now
        now = beat.seconds
        match beat.what:
            case "started":
                fraction.stage_started(beat.stage)
            case "completed":
                fraction.stage_completed(beat.stage)
            case "worked":
                pass
        fraction.worked()  # the event that tells of a stage is a sign, too
        return fraction.value / 100

    return bar


def stages_done(stages: Sequence[Stage]) -> Bar:
    """The naive bar: how many of the stages have been completed at least once."""
    done: set[str] = set()

    def bar(beat: Beat) -> float:
        if beat.what == "completed":
            done.add(beat.stage)
        return len(done) / len(stages)

    return bar


def error(course: Course, bar: Bar) -> float:
    """The mean over the run's time of how far the bar is from the part of the time that is over."""
    return sum(_between(shown, begin, end) for shown, begin, end in _steps(course, bar))


def _steps(course: Course, bar: Bar) -> Iterator[tuple[float, float, float]]:
    """What the bar shows, from when to when; times are parts of the whole."""
    shown, begin, last = 0.0, 0.0, 0.0
    for beat in course.beats:
        at = min(beat.seconds / course.seconds, 1.0)
        yield shown, begin, at
        shown, begin = bar(beat), at
        assert shown >= last, "the bar has stepped back"
        last = shown
    yield shown, begin, 1.0


def _between(shown: float, begin: float, end: float) -> float:
    """The area between a level and the diagonal, from one place of it to another."""
    if begin < shown < end:
        return ((shown - begin) ** 2 + (end - shown) ** 2) / 2
    return abs((begin + end) / 2 - shown) * (end - begin)


def _row(name: str, errors: Sequence[Errors], *, target: bool) -> Row:
    learned, naive = fmean(one.learned for one in errors), fmean(one.naive for one in errors)
    unlearned = fmean(one.unlearned for one in errors)
    figure = f"{learned:.1%} (nothing learned: {unlearned:.1%}; stages done: {naive:.1%})"
    return Row(
        name=name,
        figure=figure,
        target=f"< half of {naive:.1%}" if target else "",
        reached=learned < HALF * naive if target else None,
    )
