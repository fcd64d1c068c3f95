"""docs/reference/pipelines.md is what the operators say of themselves."""

from __future__ import annotations

from pathlib import Path

from transforms.engine.operators.registry import OPERATORS
from transforms.engine.reference import reference
from transforms.engine.spec import load

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "pipelines.md"


def test_the_page_is_up_to_date_and_tells_of_every_operator() -> None:
    page = PAGE.read_text()
    assert page == reference(), "run `python -m transforms.engine.reference` for the page"
    for name in OPERATORS:
        assert f"### `{name}`" in page


def test_the_example_on_the_page_is_a_pipeline() -> None:
    example = PAGE.read_text().split("```yaml\n")[1].split("```")[0]
    assert len(load(example).steps) == 4
