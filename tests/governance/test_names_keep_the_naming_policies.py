from __future__ import annotations

import re
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import Product
from catalog.services import create_domain, move_product
from core.errors import InvalidSpec, NamingRefused
from core.names import Name
from core.seal import verify_header
from governance.engine import naming, patterns
from governance.models import SigningKey
from governance.services import anchor_key, delegations_for, save_policy
from tests.builders import World

WORD = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,6}", fullmatch=True)
COMPONENT = st.lists(
    st.one_of(WORD, st.sampled_from(["{a}", "{b}", "{c:raw|gold}"])), min_size=1, max_size=2,
    unique=True,
).map("".join)  # fmt: skip
PATHS = st.lists(COMPONENT, min_size=1, max_size=3).map("/".join)
DATA = st.one_of(
    PATHS.map("/{}".format), st.tuples(PATHS, COMPONENT).map(lambda p: f"/{p[0]}/~/{p[1]}")
)
NAMES = st.one_of(
    st.lists(WORD, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts)),
    st.tuples(WORD, WORD, st.integers(1, 9)).map(lambda p: f"/{p[0]}/~/{p[1]}/v={p[2]}"),
)


def compiled(text: str) -> patterns.Pattern | None:
    try:
        return patterns.full(text)
    except InvalidSpec:
        return None  # a placeholder that is told twice what it may be


@given(DATA, st.lists(WORD, min_size=1, max_size=3), WORD)
def test_the_name_of_a_key_never_matches_a_pattern_of_data(
    text: str, domain: list[str], key_id: str
) -> None:
    pattern = compiled(text)
    key = naming.key_name("/" + "/".join(domain), f"sha256:{key_id}")
    if pattern is not None:
        assert pattern.match(key) is None
        assert not pattern.is_of_keys


@given(PATHS, NAMES)
def test_a_name_of_data_never_matches_a_pattern_of_keys(above: str, name: str) -> None:
    Name.parse(name)
    pattern = compiled(f"/{above}/KEY/{{id}}")
    if pattern is not None:
        assert pattern.is_of_keys
        assert pattern.match(name) is None


@given(DATA, NAMES)
def test_a_pattern_matches_as_a_naive_reading_of_it(text: str, name: str) -> None:
    pattern = compiled(text)
    if pattern is None:
        return
    made, bound = pattern.match(name), naive(text, name)
    assert (made is not None) == bound
    assert pattern.match(pattern.example) is not None or "{a}" in text or "{b}" in text


def naive(text: str, name: str) -> bool:
    """Try every way to cut each component of the name."""
    wanted, found = text.split("/"), name.split("/")
    if len(wanted) != len(found):
        return False
    states: list[dict[str, str]] = [{}]
    for part, own in zip(wanted, found, strict=True):
        states = [after for state in states for after in cut(part, own, state)]
    return bool(states)


def cut(part: str, own: str, bound: dict[str, str]) -> list[dict[str, str]]:
    if not part:
        return [] if own else [bound]
    found = re.match(r"\{(\w+)(?::([^}]*))?\}", part)
    if found is None:
        return cut(part[1:], own[1:], bound) if own[:1] == part[0] else []
    after = []
    for end in range(1, len(own) + 1):
        word = own[:end]
        if not re.fullmatch(r"[a-z0-9._-]+", word) or bound.get(found[1], word) != word:
            continue
        if found[2] is None or word in found[2].split("|"):
            after += cut(part[found.end() :], own[end:], {**bound, found[1]: word})
    return after


TEAMS = st.frozensets(st.sampled_from("abc"), min_size=1)
RULES = st.builds(
    naming.Naming,
    id=st.sampled_from("uvwxyz"),
    prefix=st.sampled_from(["/", "/acme", "/acme/nlp"]),
    products=st.sampled_from([(), (patterns.component("{x}-{y}"),)]),
    words=st.none() | st.frozensets(st.sampled_from(["wiki", "news"]), min_size=1),
    reserved=st.frozensets(st.sampled_from(["test", "wiki"])),
    publishers=st.sampled_from(["/acme", "/acme/nlp"]).flatmap(
        lambda prefix: TEAMS.map(lambda teams: (naming.Publisher(prefix, teams),))
    ),
)


@given(st.lists(RULES, max_size=4, unique_by=lambda rule: rule.id), TEAMS, st.sampled_from(
    ["/acme/nlp/~/wiki", "/acme/nlp/~/wiki-news", "/acme/~/test"]
))  # fmt: skip
def test_merging_takes_the_nearest_patterns_all_reserved_words_and_only_narrows(
    rules: list[naming.Naming], teams: frozenset[str], text: str
) -> None:
    name, own = Name.parse(text), text.rpartition("/")[2]

    def broken(policies: list[naming.Naming]) -> set[str]:
        merged = naming.merge(policies)
        found = naming.check_product(merged, name) + naming.check_publisher(merged, text, teams)
        return {violation.where for violation in found}

    together = broken(rules)
    assert all(broken([*order, *order]) == together for order in permutations(rules))
    deepest = max((len(r.prefix) for r in rules if r.products), default=0)
    nearest = [r for r in rules if r.products and len(r.prefix) == deepest]
    words = own.split("-")
    assert ("spec.patterns.product" in together) == (bool(nearest) and len(words) < 2)
    assert ("spec.reserved" in together) == any(own in r.reserved for r in rules)
    assert ("spec.vocabulary.words" in together) == any(
        r.words is not None and not set(words) <= r.words for r in rules
    )
    bound = [p for r in rules for p in r.publishers if text.startswith(p.prefix + "/")]
    assert ("spec.publishers" in together) == any(not teams & p.teams for p in bound)
    for rule in rules:
        assert broken([each for each in rules if each is not rule]) - together <= {
            "spec.patterns.product"  # a nearer pattern takes the place of a farther one
        }


def save(world: World, spec: str, slug: str = "names", prefix: str = "/acme") -> None:
    text = f"kind: naming\nid: {slug}\nscope: {{prefix: {prefix}}}\nspec:\n  {spec}\n"
    save_policy(world.operator.principal, kind="naming", text=text)


def test_a_product_is_called_as_the_pattern_says(world: World) -> None:
    save(world, 'patterns: {product: ["{layer:raw|clean|gold}-{topic}"]}')
    body = {"name": "/acme/nlp/~/news", "title": "News"}
    answer = world.ana.client().post("/api/v1/products", body, "application/json")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "naming_refused")
    (rule,) = problem["rules"]
    assert (rule["policy"], rule["where"]) == ("names", "spec.patterns.product")
    assert re.search(r"(raw|clean|gold)-news", rule["suggestion"])
    world.add_product("/acme/nlp/~/raw-news")
    product = Product.objects.get(name="/acme/nlp/~/wiki")
    with pytest.raises(NamingRefused):
        move_product(world.ana.principal, product.pk, "/acme/nlp/~/wiki-2")
    move_product(world.ana.principal, product.pk, "/acme/nlp/~/gold-wiki")


def test_domains_and_reserved_words(world: World) -> None:
    save(world, "reserved: [test, tmp]")
    save(world, 'patterns: {domain: ["{x:eu|us}-{y}"]}', slug="domains")
    for name in ("/acme/test", "/acme/sales"):
        with pytest.raises(NamingRefused):
            world.add_domain(name, "acme")
    with pytest.raises(NamingRefused, match="reserved"):
        world.add_product("/acme/nlp/~/tmp")
    world.add_domain("/acme/eu-sales", "acme")


def test_who_publishes_below_a_prefix(world: World) -> None:
    world.add_team("press", {"ana": "member"})
    save(world, "publishers: [{prefix: /acme/nlp, teams: [press]}]")
    world.add_product("/acme/nlp/~/news")
    save(world, "publishers: [{prefix: /acme/nlp, teams: [health]}]", slug="more")
    with pytest.raises(NamingRefused, match="only health may publish"):
        world.add_product("/acme/nlp/~/more")
    world.add_product("/acme/health/~/lab")
    with pytest.raises(NamingRefused):
        create_domain(world.ana.principal, name="/acme/nlp/x", title="X", team="acme")


def test_a_version_is_published_when_its_product_is_described(world: World) -> None:
    world.add_site("core", "core", ["DE"])
    world.add_directory("store", "core")
    save(world, "metadata: {license: true, licenses: [CC0-1.0], description: 20, keywords: 1}")
    world.add_product("/acme/nlp/~/news")
    with pytest.raises(NamingRefused) as refused:
        world.publish("/acme/nlp/~/news", {"a.csv": b"x\n1\n"})
    assert {rule["where"] for rule in refused.value.extra["rules"]} == {
        "spec.metadata.license", "spec.metadata.description", "spec.metadata.keywords",
    }  # fmt: skip
    world.add_product(
        "/acme/nlp/~/papers", license="CC0-1.0", description="What the papers wrote in 2026.",
        keywords=["press"],
    )  # fmt: skip
    assert world.publish("/acme/nlp/~/papers", {"a.csv": b"x\n1\n"}).state == "published"


def test_the_trust_schema_says_which_key_signs(world: World) -> None:
    world.add_site("core", "core", ["DE"])
    world.add_directory("store", "core")
    before = world.publish("/acme/nlp/~/wiki", {"a.csv": b"x\n1\n"})
    save(world, 'keys: [{key: "/acme/{team}/KEY/{id}", signs: "/acme/{team}"}]')
    after = world.publish("/acme/nlp/~/wiki", {"a.csv": b"x\n2\n"})
    assert set(SigningKey.objects.values_list("prefix", flat=True)) == {"/", "/acme", "/acme/nlp"}
    anchor = anchor_key().public
    assert after.envelope is not None
    for version in (before, after):
        assert version.envelope is not None
        verify_header(version.envelope, delegations_for(version.product.name), anchor)
    signed = after.envelope["signatures"][0]["keyid"]
    assert signed == SigningKey.objects.get(prefix="/acme/nlp").key_id
    save(world, 'keys: [{key: "/acme/health/KEY/{id}", signs: "/acme"}]', slug="narrow")
    with pytest.raises(NamingRefused, match="may sign it is called"):
        world.publish("/acme/nlp/~/wiki", {"a.csv": b"x\n3\n"})


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ('keys: [{key: "/acme/{team}", signs: /acme}]', "spec.keys[0].key"),
        ('keys: [{key: "/acme/KEY/{id}", signs: "/acme/KEY/{id}"}]', "spec.keys[0].signs"),
        ('patterns: {names: ["/acme/KEY/{id}"]}', "spec.patterns.names[0]"),
        ("publishers: [{prefix: /other, teams: [nlp]}]", "spec.publishers[0].prefix"),
        ('patterns: {product: ["a/b"]}', "spec"),
        ('patterns: {product: ["(a+)+$"]}', "spec"),
        ('patterns: {product: ["{a}{b}{c}{d}"]}', "spec"),
        ("patterns: {}", "spec.patterns"),
    ],
)
def test_a_rule_without_sense_is_refused(world: World, spec: str, where: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        save(world, spec)
    assert where in {error["where"] for error in refused.value.extra["errors"]}


def test_vocabularies_that_share_nothing_contradict(world: World) -> None:
    save(world, "vocabulary: {words: [news, wiki]}")
    with pytest.raises(InvalidSpec, match="nothing in common"):
        save(world, "vocabulary: {words: [blog]}", slug="more", prefix="/acme/nlp")


def test_a_product_may_break_a_rule_that_came_later_but_nothing_new_does(world: World) -> None:
    save(world, "vocabulary: {words: [news], keywords: [press]}")
    product = Product.objects.get(name="/acme/nlp/~/wiki")
    address = f"/api/v1/products/{product.pk}"

    def change(**fields: Any) -> int:
        return world.ana.client().patch(address, fields, "application/json").status_code

    assert change(title="The wiki") == 200
    assert change(keywords=["odd"]) == 422
    assert change(keywords=["press"]) == 200


def test_a_label_keeps_to_the_values_of_its_family(world: World) -> None:
    text = (
        "kind: naming\nid: our-words\nscope: {prefix: /acme/nlp}\n"
        "spec: {vocabulary: {labels: {topic: [text, speech]}}}\n"
    )
    save_policy(world.operator.principal, kind="naming", text=text)
    world.add_label("/acme/nlp/~/wiki", "topic:text")
    with pytest.raises(NamingRefused, match="Did you mean text"):
        world.add_label("/acme/nlp/~/wiki", "topic:txt")
