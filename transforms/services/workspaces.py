"""What the units of a run, and the gate before them, read and write, and encode with."""

from __future__ import annotations

from collections.abc import Iterable

from movement.models import Store
from movement.opening import open_store
from transforms import tokenizers
from transforms.engine.encoders import Encoders, Verdict
from transforms.engine.plan import Plan
from transforms.engine.sources import Workspace
from transforms.inputs import openers
from transforms.models import Run
from transforms.places import Check, Parted, StoreFolder
from transforms.services.ending import kept_of, scratch_of
from transforms.services.sources import versions_of


def workspace_of(run: Run, paths: Iterable[str] | None, check: Check) -> Workspace:
    """Return where a run that has a home works; of its inputs `paths` can be opened, or all."""
    store = open_store(Store.objects.get(name=run.home))
    kept = StoreFolder(store, kept_of(run), check)
    first, *further = openers(versions_of(run), paths, near=run.home, proved=True, check=check)
    return Workspace(
        open_input=first,
        further=tuple(further),
        scratch=StoreFolder(store, scratch_of(run), check),
        output=Parted(StoreFolder(store, run.base, check), "quarantine/", kept),
    )


def encoders_of(run: Run, planned: Plan) -> Encoders:
    """Return the tokenizers of a run under the verdicts so far."""
    verdicts = {name: Verdict(**each) for name, each in run.verdicts.items()}
    return tokenizers.encoders(planned.spec.tokenizers()).with_verdicts(verdicts)
