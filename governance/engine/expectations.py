"""Runs the tests that a policy document carries.

Those of a YAML document ask what this document alone makes of a name. Those of an access policy
ask what the whole set decides, since forbids and defaults are part of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from core.errors import FairmeshError, InvalidSpec
from core.names import Name
from governance.engine import (
    decision,
    expectation_schema,
    naming,
    pipeline_policies,
    service_policies,
)
from governance.engine.documents import Document
from governance.engine.entities import Action, Principal, Resource, Situation
from governance.engine.policyset import PolicySet
from governance.engine.protection import NOTHING, Protection, requirement_of
from governance.engine.service_policies import Event

_Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that did not come true."""

    where: str
    message: str

    def as_json(self) -> dict[str, str]:
        return {"where": self.where, "message": self.message}


def failures_of(document: Document) -> list[Failure]:
    """Return the tests of a YAML document that fail."""
    evaluate = _EVALUATE[document.kind]
    return [
        failure
        for place, test in enumerate(document.tests)
        for failure in _compare(place, test, lambda given: evaluate(document, given))
    ]


def _compare(
    place: int, test: Mapping[str, Any], evaluate: Callable[[_Given], Mapping[str, Any]]
) -> Iterator[Failure]:
    try:
        found = evaluate(test["given"])
    except FairmeshError as error:
        yield Failure(f"tests[{place}].given", error.detail)
        return
    for key, expected in test["expect"].items():
        if found[key] != _comparable(key, expected):
            told = test.get("title") or test["given"]["name"]
            yield Failure(
                f"tests[{place}].expect.{key}",
                f"{told}: expected {expected!r}, found {_shown(found[key])!r}.",
            )


_AS_SETS = frozenset({"sites", "never_sites", "residency", "where"})


def _comparable(key: str, expected: Any) -> Any:
    return frozenset(expected) if key in _AS_SETS and expected is not None else expected


def _shown(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def _applies(document: Document, given: _Given) -> bool:
    name = str(Name.parse(given["name"]))
    return document.applies_to(name, frozenset(given.get("labels", ())))


def _protection(document: Document, given: _Given) -> dict[str, Any]:
    applies = _applies(document, given)
    policy = Protection.from_spec(document.id, document.spec)
    wanted = requirement_of(policy) if applies else NOTHING
    asked = document.spec if applies else {}
    found = {key: getattr(wanted, key) for key in _PROTECTED}
    for key in ("copies", "min_sites", "jurisdictions", "retention_days", "object_lock_days"):
        found[key] = found[key] if key in asked else None
    end = policy.on_retention_end if applies else None
    return {"applies": applies, "on_retention_end": end, **found}


_PROTECTED = (
    "copies", "min_sites", "sites", "never_sites", "residency", "jurisdictions", "retention_days",
    "max_retention_days", "object_lock_days", "legal_hold", "time_to_replicate_minutes",
)  # fmt: skip


def _services(document: Document, given: _Given) -> dict[str, Any]:
    applies = _applies(document, given)
    event = Event(given.get("event", Event.PUBLISH))
    asked = pipeline_policies.asked_for(document.id, document.spec) if applies else []
    plan = service_policies.plan_of(document.id, document.spec, event) if applies else {}
    ordered, _ = service_policies.in_order(plan)
    without = applies and service_policies.leaves_out(document.spec)
    return {
        "applies": applies,
        "services": [call.service for call in ordered],
        "without": [service_policies.SCAN] if without else [],
        "pipelines": [each.pipeline for each in asked if each.runs_on(event)],
    }


def _naming(document: Document, given: _Given) -> dict[str, Any]:
    applies = _applies(document, given)
    policy = naming.from_spec(document.id, document.prefix, document.spec)
    rules = naming.merge([policy] if applies else [])
    broken = _violations(rules, given)
    return {"allowed": not broken, "where": frozenset(each.where for each in broken)}


def _violations(rules: naming.NamingRules, given: _Given) -> list[naming.Violation]:
    name = Name.parse(given["name"])
    act = given.get("act") or ("domain" if name.product is None else "product")
    found = naming.check_labels(rules, given.get("labels", ()))
    if act == "sign":
        return found + naming.check_key(rules, given.get("key", ""), str(name))
    if "teams" in given:
        found += naming.check_publisher(rules, str(name), given["teams"])
    found += naming.check_domain(rules, name) if act == "domain" else []
    if act == "domain":
        return found
    found += naming.check_product(rules, name)
    found += naming.check_keywords(rules, given.get("keywords", ()))
    if act == "publish":
        found += naming.check_metadata(rules, _description(given))
    return found


def _description(given: _Given) -> naming.Description:
    return naming.Description(
        license=given.get("license", ""),
        description=given.get("description", ""),
        keywords=tuple(given.get("keywords", ())),
        intended_use=given.get("intended_use", ""),
    )


_EVALUATE: Mapping[str, Callable[[Document, _Given], Mapping[str, Any]]] = {
    "protection": _protection,
    "services": _services,
    "naming": _naming,
}


def check_access_tests(tests: Any) -> None:
    """Raise InvalidSpec with every place at which the tests of an access policy are malformed."""
    found = Draft202012Validator(expectation_schema.ACCESS).iter_errors(tests)
    errors = [
        {"where": "tests" + error.json_path.removeprefix("$"), "message": error.message}
        for error in sorted(found, key=lambda error: error.json_path)
    ]
    if errors:
        raise InvalidSpec("The tests of the policy are not valid.", errors=errors)


def access_failures(policies: PolicySet, tests: Sequence[Mapping[str, Any]]) -> list[Failure]:
    """Return the tests of an access policy that fail under a whole set."""
    return [
        failure
        for place, test in enumerate(tests)
        for failure in _access_failures(policies, place, test)
    ]


def _access_failures(policies: PolicySet, place: int, test: Mapping[str, Any]) -> Iterator[Failure]:
    try:
        resource = _resource(test["resource"])
    except FairmeshError as error:
        yield Failure(f"tests[{place}].resource", error.detail)
        return
    principal, action = _principal(test["principal"]), Action(test["action"])
    answer = decision.decide(policies, principal, action, resource, _situation(test))
    found = "allow" if answer.allow else "deny"
    told = test.get("title") or f"{principal.id} {action} {resource.name}"
    if found != test["expect"]:
        yield Failure(
            f"tests[{place}].expect", f"{told}: expected {test['expect']}, found {found}. "
            f"{answer.reason}"
        )  # fmt: skip
    elif "policies" in test and set(test["policies"]) != set(answer.policies):
        decided = ", ".join(answer.policies) or "none"
        yield Failure(f"tests[{place}].policies", f"{told}: it was decided by {decided}.")


def _principal(given: _Given) -> Principal:
    return Principal(
        id=given.get("id", "someone"),
        groups=frozenset(given.get("groups", ())),
        teams=frozenset(given.get("teams", ())),
        roles=frozenset(given.get("roles", ())),
        kind=given.get("kind", "person"),
    )


def _resource(given: _Given) -> Resource:
    if given["name"] == "/":
        return Resource("Mesh", "/")
    name = Name.parse(given["name"])
    if name.kind == "domain":
        return Resource("Domain", str(name), team=given.get("team", ""))
    if name.kind != "product":
        raise InvalidSpec(f"{name} is neither a domain nor a product.", errors=[])
    stated = {key: given[key] for key in ("team", "visibility", "access", "lifecycle")
              if key in given}  # fmt: skip
    return Resource(
        "Product",
        str(name),
        **stated,
        labels=frozenset(given.get("labels", ())),
        bound="residency" in given,
        residency=frozenset(given.get("residency", ())),
        never=frozenset(given.get("never", ())),
    )


def _situation(test: Mapping[str, Any]) -> Situation:
    given = test.get("situation", {})
    return Situation(
        given.get("purpose", ""), given.get("site", ""), frozenset(given.get("jurisdictions", ()))
    )
