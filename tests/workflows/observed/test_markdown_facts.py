from workflows.observed.markdown_facts import components_of, headings_of

DESIGN = """\
# Design

- **not** a component

## Components

- **parser** (`a.py`): reads
* **`writer`**: writes
- plain bullet

## Interfaces

- **parse**: a function
"""


def test_components_are_read_from_the_design() -> None:
    assert components_of(DESIGN) == ["parser", "writer"]
    assert components_of("no headings at all") == []
    assert headings_of(DESIGN) == ["Design", "Components", "Interfaces"]
