"""Two runs side by side."""

from __future__ import annotations

from uuid import UUID

from catalog.models import VersionState
from catalog.selectors import manifest_entries
from governance.engine.entities import Principal
from transforms.engine.run_diff import Difference, Facts, difference
from transforms.models import Run
from transforms.selectors import run_for
from transforms.services.sources import versions_of


def diff_runs(actor: Principal, run_id: UUID, other_id: UUID) -> Difference:
    """Return in what the second run differs from the first; for those who may know of both."""
    one, other = run_for(actor, run_id), run_for(actor, other_id)
    results = [each.output_version for each in (one, other)]
    published = [
        version
        for version in results
        if version is not None and version.state == VersionState.PUBLISHED
    ]
    files = None
    if len(published) == len(results):
        files = manifest_entries(published[0]), manifest_entries(published[1])
    return difference(_facts(one), _facts(other), files)


def _facts(run: Run) -> Facts:
    inputs = {each.name: each.digest for each in versions_of(run)}
    return Facts(run.spec, run.made_with, inputs, run.report)
