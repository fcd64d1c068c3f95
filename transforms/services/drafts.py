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


def flow(planned: Plan) -> dict[str, list[str]]:
    """Return which input columns' values stand in which output column, masked or not.

    A mask lowers no label by itself: what comes out has not been looked at yet.
    """
    return {
        column: [use.column for use in planned.column_map[column] if use.kind is Kind.DIRECT]
        for column in written_schema(planned).names
    }


def note_files(
    draft: Version, files: Sequence[FileEntry], schema: Sequence[dict[str, Any]]
) -> None:
    """Note files in the draft, some at a time, so that no transaction is long."""
    for start in range(0, len(files), _FILES_AT_ONCE):
        with transaction.atomic():
            for entry in files[start : start + _FILES_AT_ONCE]:
                catalog.add_draft_file(draft, entry, schema)
