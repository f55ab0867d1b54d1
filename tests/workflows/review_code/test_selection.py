from agents.workspace.file_patches import FilePatch
from workflows.review_code.selection import (
    LEAST_PART_CHARACTERS,
    MOST_DIFF_CHARACTERS,
    MOST_LEFT_OUT,
    MOST_LISTED_FILES,
    of_files,
    of_patches,
)


def patch(path: str, characters: int, *, has_lines: bool = True) -> FilePatch:
    return FilePatch(path, f"{path}\n" + "+x\n" * ((characters - len(path) - 1) // 3), has_lines)


def test_what_fits_is_given_whole_and_in_its_order() -> None:
    patches = [patch("b.py", 300), patch("a.py", 100)]

    selection = of_patches(patches)

    assert selection.files == ("b.py", "a.py")
    assert selection.text == patches[0].text + patches[1].text
    assert selection.left_out == ()


def test_small_changes_are_given_before_a_huge_one_which_is_cut_between_lines() -> None:
    patches = [patch("lock.json", MOST_DIFF_CHARACTERS), patch("a.py", 300), patch("b.py", 300)]

    selection = of_patches(patches)

    assert selection.files == ("lock.json", "a.py", "b.py")
    assert patches[1].text in selection.text
    assert "+x\n[... the rest of the changes of lock.json is left out here]\n" in selection.text
    (told,) = selection.left_out
    assert told.startswith("lock.json: only the first 119,")
    assert len(selection.text) < MOST_DIFF_CHARACTERS + 200


def test_what_there_is_no_room_for_is_named() -> None:
    most = MOST_DIFF_CHARACTERS - LEAST_PART_CHARACTERS // 2

    selection = of_patches([patch("a.py", most), patch("z.py", most + 600)])

    assert selection.files == ("a.py",)
    assert selection.left_out == ("z.py: no room for its changes, 118,598 characters",)


def test_what_has_no_lines_is_named_and_not_given() -> None:
    selection = of_patches([patch("a.png", 50, has_lines=False)])

    assert (selection.files, selection.text) == ((), "")
    assert selection.left_out[0].startswith("a.png: no lines are shown")


def test_of_many_that_are_left_out_some_are_named_and_the_rest_counted() -> None:
    selection = of_patches([patch(f"{number}.png", 50, has_lines=False) for number in range(MOST_LEFT_OUT + 7)])

    assert len(selection.left_out) == MOST_LEFT_OUT + 1
    assert selection.left_out[-1] == "and 7 more"


def test_a_list_of_files_has_their_lines() -> None:
    selection = of_files([("a.py", 1), ("b.py", 20)], ["c.bin: binary"])

    assert selection.text == "a.py (1 line)\nb.py (20 lines)"
    assert selection.files == ("a.py", "b.py")
    assert selection.left_out == ("c.bin: binary",)


def test_a_long_list_ends_somewhere() -> None:
    selection = of_files([(f"{number}.py", 1) for number in range(MOST_LISTED_FILES + 1)], [])

    assert len(selection.files) == MOST_LISTED_FILES
    assert selection.left_out == (f"{MOST_LISTED_FILES}.py: no room for it in the list",)
