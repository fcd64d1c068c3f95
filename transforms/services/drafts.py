"""What is noted in the draft of a run before it is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from catalog import services as catalog
from catalog.models import Version
from core.manifest import FileEntry
from transforms.engine.operators.base import Kind
from transforms.engine.parts import written_schema
from transforms.engine.plan import Plan

_FILES_AT_ONCE = 100


def flows(planned: Plan, names: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Return which columns' values of which input stand in which output column, masked or not.

    `names` are those of the inputs, in order. A mask lowers no label by itself: what comes out has
    not been looked at yet.
    """
    found: dict[str, dict[str, list[str]]] = {
        name: {column: [] for column in written_schema(planned).names} for name in names
    }
    for column in written_schema(planned).names:
        for use in planned.column_map[column]:
            if use.kind is Kind.DIRECT:
                found[names[use.input]][column].append(use.column)
    return found


def note_files(
    draft: Version, files: Sequence[FileEntry], schema: Sequence[dict[str, Any]]
) -> None:
    """Note files in the draft, some at a time, so that no transaction is long."""
    for start in range(0, len(files), _FILES_AT_ONCE):
        with transaction.atomic():
            for entry in files[start : start + _FILES_AT_ONCE]:
                catalog.add_draft_file(draft, entry, schema)
