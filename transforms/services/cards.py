"""The draft of a dataset card of a run that is done."""

from __future__ import annotations

from uuid import UUID

from core.errors import Conflict
from governance.engine.entities import Principal
from governance.selectors import labels_of
from transforms.engine.card import Facts
from transforms.engine.spec import read_spec
from transforms.selectors import run_for
from transforms.services.sources import versions_of


def card_of(actor: Principal, run_id: UUID) -> Facts:
    """Return what the card tells; raise Conflict while there is no result to tell of."""
    run = run_for(actor, run_id)
    if run.report is None or run.output_version is None:
        raise Conflict(f"The run is {run.state}; a card is drafted of one that is done.")
    labels = labels_of(run.target.name)
    return Facts(
        output=run.output_version.name,
        inputs=[(each.name, each.digest) for each in versions_of(run)],
        spec=read_spec(run.spec),
        report=run.report,
        labels=[f"{each.label} on {each.column}" if each.column else each.label for each in labels],
    )
