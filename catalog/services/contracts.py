"""Contracts: an ODCS document a product promises by; what it classifies becomes labels at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from catalog.engine.contracts import labels_in, problems_of
from catalog.models import Contract, Product
from catalog.selectors import product_by_id, product_resource
from core import outbox
from core.canonical import canonical_digest
from core.errors import InvalidSpec
from governance import audit
from governance.engine.entities import Action, Principal
from governance.models import LabelOrigin
from governance.services import require
from governance.services.labels import say


@transaction.atomic
def set_contract(actor: Principal, product_id: UUID, document: Mapping[str, Any]) -> Contract:
    """Make `document` the product's contract; the same document again is the same revision.

    The labels that the contract says are those of the newest revision alone.
    """
    found = product_by_id(actor, Action.WRITE, product_id)
    product = Product.objects.select_for_update().get(pk=found.pk)
    decision = require(actor, Action.WRITE, product_resource(found))
    if problems := problems_of(document):
        raise InvalidSpec("The contract is not valid.", errors=problems)
    digest = canonical_digest(dict(document))
    newest = product.contracts.order_by("-revision").first()
    if newest is not None and newest.digest == digest:
        return newest
    contract = Contract.objects.create(
        product=product,
        revision=1 if newest is None else newest.revision + 1,
        document=document,
        digest=digest,
    )
    wanted = {
        key: {"contract": contract.revision, "reason": where}
        for key, where in labels_in(document).items()
    }
    if say(product.name, LabelOrigin.CONTRACT, wanted, by=actor.id):
        outbox.emit("label.changed", {"name": product.name})
    audit.record(
        actor, "set-contract", product.name, decision, revision=contract.revision, digest=digest
    )
    outbox.emit("product.updated", {"name": product.name})
    return contract
