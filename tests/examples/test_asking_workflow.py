from pathlib import Path

import pytest

from tests.system.place import Place

pytestmark = pytest.mark.anyio

FILE = Path(__file__).parents[2] / "examples" / "asking_workflow.py"
OFFERED = ("--workflow", str(FILE), "--offline")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ('{"send": true, "to": "everybody"}', "terminal sends it to everybody"),
        ("--decline", "terminal would not say"),
    ],
)
async def test_it_waits_for_an_answer_and_does_what_was_said(tmp_path: Path, answer: str, outcome: str) -> None:
    place = Place.below(tmp_path)

    asked = await place.command("run", "announce", "version 2 is out", *OFFERED)
    run_id = next(word for word in asked.stdout.split() if len(word) == 20 and word.isalnum())
    shown = await place.command("answer", run_id, *OFFERED)
    done = await place.command("answer", run_id, answer, *OFFERED)

    assert asked.exit_code == 4
    assert "May this go out?" in shown.stdout
    assert done.exit_code == 0, done.stderr
    assert outcome in done.stdout
