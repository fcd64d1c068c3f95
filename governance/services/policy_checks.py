"""What must hold of a policy before it can come into force."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from core.digests import sha256_digest
from core.errors import Invalid, InvalidSpec, PolicyTestsFailed
from governance import resources
from governance.engine import documents, expectations
from governance.engine.entities import MESH, Action, Decision, Principal
from governance.engine.expectations import Failure
from governance.engine.policyset import check_pushable
from governance.models import Policy, PolicyKind, Team
from governance.selectors import access_policies
from governance.services.decisions import require
from governance.services.policy_contradictions import refuse_contradictions
from governance.services.policy_pipelines import refuse_pipelines

LISTED = frozenset({"name", "team", "owners", "visibility", "access", "lifecycle", "labels"})
"""The attributes of a product by which lists can be filtered; see governance.pushdown."""
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def require_scope(actor: Principal, prefix: str, *, asked: str = "") -> Decision:
    """Raise unless the actor administers everything below `prefix`.

    `asked` is what the actor called the policy who did not name its scope.
    """
    resource = MESH if prefix == "/" else resources.load(prefix, asked=asked)
    decision = require(actor, Action.ADMINISTER, resource)
    if resource.name != prefix:
        raise Invalid(f"{prefix} is called {resource.name} now; write that.", name=resource.name)
    return decision


def read(
    kind: str, text: str, slug: str = "", tests: Sequence[dict[str, Any]] | None = None
) -> Policy:
    """Return the unsaved policy that a text is; raise InvalidSpec unless it has the form."""
    if kind == PolicyKind.ACCESS:
        policy = _read_access(text, slug, list(tests or ()))
    else:
        policy = _read_document(kind, text, slug)
        if tests:
            raise Invalid("The tests of a YAML document stand in the document.")
    policy.digest = sha256_digest(text.encode())
    return policy


def _read_access(text: str, slug: str, tests: list[dict[str, Any]]) -> Policy:
    if not slug:
        raise Invalid("An access policy is saved under a slug.")
    if not _SLUG.fullmatch(slug):
        raise Invalid(f"{slug!r} is no slug: use a-z, 0-9 and '-'.", slug=slug)
    expectations.check_access_tests(tests)
    return Policy(kind=PolicyKind.ACCESS, slug=slug, prefix="/", text=text, tests=tests)


def _read_document(kind: str, text: str, slug: str) -> Policy:
    document = documents.parse(text)
    if document.kind != kind:
        told = [{"where": "kind", "message": f"it is {document.kind!r}, sent as {kind!r}"}]
        raise InvalidSpec("The document is of another kind.", errors=told)
    if slug and slug != document.id:
        raise Invalid(f"The document calls itself {document.id!r}, not {slug!r}.")
    owner = None
    if document.owner is not None:
        owner = Team.objects.filter(slug=document.owner).first()
        if owner is None:
            raise Invalid(f"There is no team {document.owner!r} to own the policy.")
    return Policy(
        kind=kind,
        slug=document.id,
        owner=owner,
        prefix=document.prefix,
        labels=list(document.labels),
        text=text,
        spec=document.spec,
        tests=list(document.tests),
    )


def check(actor: Principal, policy: Policy) -> list[dict[str, Any]]:
    """Raise InvalidSpec unless the policy fits those in force and its own tests pass.

    Returns the warnings, each with the products that the actor may know of.
    """
    if policy.kind == PolicyKind.ACCESS:
        together = access_policies(replacing=policy)
        check_pushable(together.policies, LISTED)
        _refuse(expectations.access_failures(together, policy.tests))
        return []
    document = documents.parse(policy.text)
    refuse_pipelines(actor, document)
    warnings = refuse_contradictions(actor, document)
    _refuse(expectations.failures_of(document))
    return warnings


def _refuse(failures: list[Failure]) -> None:
    if failures:
        raise PolicyTestsFailed(
            f"{len(failures)} of the policy's own tests fail: {failures[0].message}",
            errors=[failure.as_json() for failure in failures],
        )
