"""Whatever is sent to any address, by whomever: no 500, nothing undocumented, nothing leaked.

Schemathesis reads the published schema and makes requests that keep to it and requests that do
not; the names and ids of real things are put into some of them. All is derived from the schema
and a fixed choice, so that the same code is asked the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, GenerationMode
from schemathesis import Case as AnyCase
from schemathesis.core.result import Ok

from catalog.models import Product, Version
from governance.models import (
    AccessRequest,
    Grant,
    Label,
    Policy,
)
from movement.models import Replica, Transfer
from tests.builders import World, body_of
from tests.leaks.mesh import (
    KINDS,
    KNOWN,
    SECRET,
    WORDS,
    Caller,
    build_secretive,
    callers,
    settle,
)

pytestmark = pytest.mark.every_database

EXAMPLES = 6
BLIND = {"anonymous", "stranger", "service", "agent", "scoped", "disabled"}
"""Who may not know of SECRET."""
CANARY, NAME = WORDS[SECRET], SECRET.rpartition("/")[2]
Pools = Mapping[str, list[Any]]
Case = AnyCase[Any]


@pytest.fixture
def mesh(db: None, settings: Any, tmp_path: Path) -> World:
    world = build_secretive(settings, tmp_path)
    world.grant(world.ben, KNOWN)
    settle(world)
    return world


def pools_of() -> Pools:
    """Return real values for the parameters and members of that name."""
    names = [SECRET, KNOWN, "/acme/nlp", "/acme", "/"]
    versions = list(Version.objects.filter(product__name__in=[SECRET, KNOWN]))
    paths = ["quagga.csv", "knownword.csv", "absent.csv"]
    pools: dict[str, list[Any]] = {
        "product_id": list(Product.objects.values_list("pk", flat=True)),
        "version_id": [version.pk for version in versions],
        "transfer_id": list(Transfer.objects.values_list("pk", flat=True)),
        "replica_id": list(Replica.objects.values_list("pk", flat=True)),
        "policy_id": list(Policy.objects.values_list("pk", flat=True)),
        "request_id": list(AccessRequest.objects.values_list("pk", flat=True)),
        "grant_id": list(Grant.objects.values_list("pk", flat=True)),
        "label_id": list(Label.objects.values_list("pk", flat=True)),
        "digest": [version.shards.get().digest for version in versions],
        "path": paths,
        "username": ["ben", "etl", "gone"],
        "slug": ["nlp", "two"],
        "store": ["store-eu", "store-us"],
        "site": ["core-eu"],
        "team": ["nlp"],
        "version": [f"{name}/v=1" for name in (SECRET, KNOWN)],
    }
    pools["id"] = [*names, "ben"]
    pools["target"] = pools["store"]
    return pools | dict.fromkeys(("name", "product", "prefix", "domain", "node", "input"), names)


def schema() -> dict[str, Any]:
    made = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    plain: dict[str, Any] = json.loads(json.dumps(made, default=str))
    return plain


def operations() -> Iterator[APIOperation[Any, Any, Any, Any]]:
    for found in schemathesis.openapi.from_dict(schema()).get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def with_real_things(case: Case, pools: Pools, pick: Callable[[list[Any]], Any]) -> None:
    """Replace some of what was made up by what there is."""
    for part in (case.path_parameters, case.query, case.body):
        _fill(part, pools, pick)
    if isinstance(case.body, dict) and "endpoint" in case.body:
        case.body["endpoint"] = "http://127.0.0.1:9"  # nothing listens there, and nothing is left


def _fill(part: Any, pools: Pools, pick: Callable[[list[Any]], Any]) -> None:
    if isinstance(part, list):
        for each in part:
            _fill(each, pools, pick)
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        if isinstance(value, dict | list):
            _fill(value, pools, pick)
        elif pools.get(key) and pick([True, True, False]):
            part[key] = str(pick(pools[key]))


def sent(case: Case, client: Client) -> tuple[Any, bytes, str]:
    """Send it in a transaction that is rolled back; return the answer, its body and the request."""
    kept = {"method", "url", "params", "headers", "cookies", "data", "json", "files"}
    arguments = case.as_transport_kwargs(base_url="http://testserver")
    made = requests.Request(**{k: v for k, v in arguments.items() if k in kept}).prepare()
    ours = {"content-length", "content-type", "cookie", "authorization"}
    headers = {str(k): str(v) for k, v in made.headers.items() if k.lower() not in ours}
    raw: Any = made.body or b""
    body: bytes = raw.encode() if isinstance(raw, str) else raw
    client.raise_request_exception = False
    with transaction.atomic():
        answer = client.generic(
            case.method,
            str(made.path_url),
            body,
            str(made.headers.get("Content-Type", "application/octet-stream")),
            headers=headers,
        )
        told = body_of(answer)
        transaction.set_rollback(True)
    return answer, told, f"{case.method} {made.path_url} {body.decode(errors='replace')}"


def problem_with(case: Case, who: Caller, answer: Any, told: bytes, asked: str) -> str:
    """Return what is wrong with an answer; empty when nothing is."""
    if answer.status_code >= 500:
        return f"{answer.status_code}: {getattr(answer, 'exc_info', None) or told[:300]!r}"
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    documented = case.operation.definition.raw.get("responses", {}).get(str(answer.status_code))
    kinds = {"application/problem+json", *(documented or {}).get("content", {})}
    if "application/octet-stream" in kinds:
        kinds.add(kind)  # a file is given as what it is
    if documented is None if not told else kind not in kinds:
        return f"{answer.status_code} {kind} is not documented"
    said = told.decode(errors="replace") + str(dict(answer.headers))
    if who.name in BLIND and CANARY in said.replace(f"{CANARY}.csv" if CANARY in asked else "", ""):
        return f"it tells of what is hidden: {said[:500]}"
    if who.name in BLIND and NAME in said and NAME not in asked:
        return f"it tells the name of what is hidden: {said[:500]}"
    return ""


def test_no_input_breaks_any_address_nor_opens_it(mesh: World) -> None:
    everyone, pools = callers(mesh), pools_of()
    wrong: list[str] = []
    statuses: dict[int, int] = {}
    for operation in operations():

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )
        @given(
            st.one_of(
                operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
                operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
            ),
            st.sampled_from(KINDS),
            st.data(),
        )
        def ask(case: Case, name: str, data: st.DataObject) -> None:
            with_real_things(case, pools, lambda some: data.draw(st.sampled_from(some)))
            answer, told, asked = sent(case, everyone[name].client())
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            if found := problem_with(case, everyone[name], answer, told, asked):
                wrong.append(f"{name}: {asked[:500]}\n  {found}")

        ask()
    assert wrong == []
    assert {200, 201, 401, 403, 404, 422} <= set(statuses), "all kinds of answers were met"
