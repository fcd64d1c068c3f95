"""Naming policies: how things are called, who publishes where, which key signs what.

Merge: of the patterns those of the most specific prefix, together when several stand there;
reserved words = union; vocabulary, licences and publishers = intersection, so that delegation only
narrows; required metadata = all of it. A merged set is a set of policies, so the order in which
they come, and how often, does not matter.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.names import Name, is_under
from governance.engine import patterns
from governance.engine.contradictions import Contradiction, Severity
from governance.engine.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Publisher:
    """Only these teams publish at or below a prefix."""

    prefix: str
    teams: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Keys of such names may sign what lies at or below such a prefix."""

    key: Pattern
    signs: Pattern


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a product says of itself before a version of it is published."""

    license: bool = False
    licenses: frozenset[str] | None = None
    description: int = 0
    """The least number of characters."""
    keywords: int = 0
    intended_use: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """The specification of one naming policy. What it does not speak of, it leaves open."""

    id: str
    prefix: str = "/"
    domains: tuple[Pattern, ...] = ()
    products: tuple[Pattern, ...] = ()
    names: tuple[Pattern, ...] = ()
    words: frozenset[str] | None = None
    keywords: frozenset[str] | None = None
    labels: tuple[tuple[str, frozenset[str]], ...] = ()
    """(family, the values it may have)."""
    reserved: frozenset[str] = frozenset()
    publishers: tuple[Publisher, ...] = ()
    metadata: Metadata = Metadata()
    keys: tuple[KeyRule, ...] = ()

    @property
    def has_patterns(self) -> bool:
        return bool(self.domains or self.products or self.names)


NamingRules = frozenset[Naming]
"""All naming policies that apply to one name, merged."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a product says of itself."""

    license: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    intended_use: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a name or its description breaks, and what would keep it."""

    policy: str
    where: str
    message: str
    suggestion: str = ""

    def as_json(self) -> dict[str, str]:
        return {
            "policy": self.policy,
            "where": self.where,
            "message": self.message,
            "suggestion": self.suggestion,
        }


def merge(policies: Iterable[Naming]) -> NamingRules:
    return frozenset(policies)


def check_domain(rules: NamingRules, name: Name) -> list[Violation]:
    """Return what is wrong with the name of a domain."""
    own = name.domain[-1]
    return [
        *_patterns(rules, str(name), own, lambda rule: rule.domains, of_products=False),
        *_reserved(rules, [own]),
    ]


def check_product(rules: NamingRules, name: Name) -> list[Violation]:
    """Return what is wrong with the name of a product."""
    own = name.product or ""
    return [
        *_patterns(rules, str(name), own, lambda rule: rule.products, of_products=True),
        *_reserved(rules, [own]),
        *_vocabulary(rules, "words", re.split(r"[._-]+", own), lambda rule: rule.words),
    ]


def check_publisher(rules: NamingRules, name: str, teams: Iterable[str]) -> list[Violation]:
    """Return the rules by which none of these teams publishes at `name`."""
    acting = frozenset(teams)
    return [
        Violation(
            rule.id,
            "spec.publishers",
            f"Below {each.prefix} only {', '.join(sorted(each.teams))} may publish.",
            f"Have someone of {sorted(each.teams)[0]} do it.",
        )
        for rule in _sorted(rules)
        for each in rule.publishers
        if is_under(name, each.prefix) and not acting & each.teams
    ]


def check_keywords(rules: NamingRules, keywords: Iterable[str]) -> list[Violation]:
    return list(_vocabulary(rules, "keywords", keywords, lambda rule: rule.keywords))


def check_labels(rules: NamingRules, labels: Iterable[str]) -> list[Violation]:
    """Return the labels whose family may not have this value; unknown families are left open."""
    return list(_labels(rules, labels))


def check_metadata(rules: NamingRules, told: Description) -> list[Violation]:
    """Return what a product must say of itself before a version of it is published."""
    return [
        violation
        for rule in _sorted(rules)
        for violation in _metadata(rule.id, rule.metadata, told)
    ]


def check_key(rules: NamingRules, key: str, name: str) -> list[Violation]:
    """Return the rules by which the key called `key` may not sign `name`."""
    return [
        Violation(
            rule.id,
            "spec.keys",
            f"No rule of {rule.id} lets {key} sign {name}.",
            "A key that may sign it is called "
            + " or ".join(sorted(each.key.example for each in rule.keys))
            + ".",
        )
        for rule in _sorted(rules)
        if rule.keys and not any(_signs(each, key, name) for each in rule.keys)
    ]


def contradictions(rules: NamingRules) -> list[Contradiction]:
    """Return where the rules together leave nothing that could be called or published."""
    found = []
    for where, allowed in _LISTS.items():
        lists = [(rule.id, words) for rule in _sorted(rules) if (words := allowed(rule))]
        if len(lists) > 1 and not frozenset.intersection(*(words for _, words in lists)):
            by = tuple(policy for policy, _ in lists)
            told = f"The {where.replace('.', ' ')} of {', '.join(by)} have nothing in common."
            found.append(Contradiction(Severity.ERROR, f"spec.{where}", told, by))
    return found + _nobody_publishes(rules)


_LISTS: Mapping[str, Callable[[Naming], frozenset[str] | None]] = {
    "vocabulary.words": lambda rule: rule.words,
    "vocabulary.keywords": lambda rule: rule.keywords,
    "metadata.licenses": lambda rule: rule.metadata.licenses,
}


def _nobody_publishes(rules: NamingRules) -> list[Contradiction]:
    bound = [(rule.id, each) for rule in _sorted(rules) for each in rule.publishers]
    found = []
    for _, least in bound:
        above = [(policy, each) for policy, each in bound if is_under(least.prefix, each.prefix)]
        if not frozenset.intersection(*(each.teams for _, each in above)):
            by = tuple(sorted({policy for policy, _ in above}))
            told = f"No one team satisfies {', '.join(by)} below {least.prefix}."
            found.append(Contradiction(Severity.WARNING, "spec.publishers", told, by))
    return found


def key_name(prefix: str, key_id: str) -> str:
    """Return the name of a key that was delegated for a prefix; no name of data looks like it."""
    return f"{prefix}/{patterns.KEY_MARKER}/{key_id.rpartition(':')[2][:16]}"


def _signs(rule: KeyRule, key: str, name: str) -> bool:
    bound = rule.key.match(key)
    return bound is not None and any(
        rule.signs.match(above, bound) is not None for above in _at_or_above(name)
    )


def _at_or_above(name: str) -> Iterator[str]:
    parts = name.split("/")
    for end in range(2, len(parts) + 1):
        yield "/".join(parts[:end])


def _patterns(
    rules: NamingRules,
    name: str,
    own: str,
    components: Callable[[Naming], tuple[Pattern, ...]],
    *,
    of_products: bool,
) -> Iterator[Violation]:
    """The patterns of the most specific prefix bind; one of each list must match."""
    depth = max((_depth(rule.prefix) for rule in rules if rule.has_patterns), default=0)
    for rule in _sorted(rules):
        if not rule.has_patterns or _depth(rule.prefix) != depth:
            continue
        whole = tuple(each for each in rule.names if ("/~/" in each.text) == of_products)
        noun = "product" if of_products else "domain"
        for where, text, wanted in (
            (f"spec.patterns.{noun}", own, components(rule)),
            ("spec.patterns.names", name, whole),
        ):
            if wanted and not any(pattern.match(text) is not None for pattern in wanted):
                shapes = " or ".join(pattern.text for pattern in wanted)
                yield Violation(
                    rule.id, where, f"{text!r} is not called {shapes}.", _nearest(text, wanted)
                )


def _depth(prefix: str) -> int:
    return len([part for part in prefix.split("/") if part])


def _nearest(text: str, wanted: tuple[Pattern, ...]) -> str:
    offered = [pattern.fit(text) for pattern in wanted]
    closest = difflib.get_close_matches(text, offered, n=1, cutoff=0.0)
    return f"For example {(closest or offered)[0]}."


def _reserved(rules: NamingRules, components: Iterable[str]) -> Iterator[Violation]:
    for own in components:
        for rule in _sorted(rules):
            if own in rule.reserved:
                yield Violation(
                    rule.id, "spec.reserved", f"{own!r} is reserved.", "Add a word to it."
                )


def _vocabulary(
    rules: NamingRules,
    where: str,
    words: Iterable[str],
    allowed: Callable[[Naming], frozenset[str] | None],
) -> Iterator[Violation]:
    listed = list(words)
    for rule in _sorted(rules):
        known = allowed(rule)
        if known is None:
            continue
        for word in listed:
            if word and word not in known:
                yield Violation(
                    rule.id,
                    f"spec.vocabulary.{where}",
                    f"{word!r} is not in the vocabulary.",
                    _like(word, known),
                )


def _labels(rules: NamingRules, labels: Iterable[str]) -> Iterator[Violation]:
    listed = sorted(labels)
    for rule in _sorted(rules):
        families = dict(rule.labels)
        for label in listed:
            family, _, value = label.partition(":")
            if family in families and value not in families[family]:
                yield Violation(
                    rule.id,
                    "spec.vocabulary.labels",
                    f"{value!r} is no value of the label family {family!r}.",
                    _like(value, families[family]),
                )


def _like(word: str, known: frozenset[str]) -> str:
    found = difflib.get_close_matches(word, sorted(known), n=1)
    return f"Did you mean {found[0]}?" if found else f"One of {', '.join(sorted(known)[:10])}."


def _metadata(policy: str, wanted: Metadata, told: Description) -> Iterator[Violation]:
    def missing(field: str, message: str, suggestion: str) -> Violation:
        return Violation(policy, f"spec.metadata.{field}", message, suggestion)

    if wanted.license and not told.license:
        yield missing("license", "The product has no licence.", "Give an SPDX expression.")
    if wanted.licenses is not None and told.license and told.license not in wanted.licenses:
        known = _like(told.license, wanted.licenses)
        yield missing("licenses", f"The licence {told.license} is not allowed here.", known)
    if (length := len(told.description.strip())) < wanted.description:
        yield missing(
            "description",
            f"The description has {length} characters of at least {wanted.description}.",
            "Say what it holds, where it comes from and what it is good for.",
        )
    if len(told.keywords) < wanted.keywords:
        yield missing(
            "keywords",
            f"The product has {len(told.keywords)} keywords of at least {wanted.keywords}.",
            "Add the words by which people will look for it.",
        )
    if wanted.intended_use and not told.intended_use.strip():
        yield missing("intended_use", "The intended use is not told.", "Say what it is for.")


def _sorted(rules: NamingRules) -> list[Naming]:
    return sorted(rules, key=lambda rule: rule.id)


def from_spec(policy_id: str, prefix: str, spec: Mapping[str, Any]) -> Naming:
    """Return the value of a specification that fits the schema; raise InvalidSpec for patterns."""
    shapes, vocabulary = spec.get("patterns", {}), spec.get("vocabulary", {})
    metadata = dict(spec.get("metadata", {}))
    if "licenses" in metadata:
        metadata["licenses"] = frozenset(metadata["licenses"])
    return Naming(
        id=policy_id,
        prefix=prefix,
        domains=tuple(patterns.component(text) for text in shapes.get("domain", ())),
        products=tuple(patterns.component(text) for text in shapes.get("product", ())),
        names=tuple(patterns.full(text) for text in shapes.get("names", ())),
        words=_set(vocabulary.get("words")),
        keywords=_set(vocabulary.get("keywords")),
        labels=tuple(
            (family, frozenset(values))
            for family, values in sorted(vocabulary.get("labels", {}).items())
        ),
        reserved=frozenset(spec.get("reserved", ())),
        publishers=tuple(
            Publisher(each["prefix"], frozenset(each["teams"]))
            for each in spec.get("publishers", ())
        ),
        metadata=Metadata(**metadata),
        keys=tuple(
            KeyRule(patterns.full(each["key"]), patterns.full(each["signs"]))
            for each in spec.get("keys", ())
        ),
    )


def wrong_places(naming: Naming) -> Iterator[tuple[str, str]]:
    """Yield (where, what) for what the schema cannot see: a key is never data, nothing widens."""
    for place, pattern in enumerate(naming.names):
        if pattern.is_of_keys:
            yield f"spec.patterns.names[{place}]", "it names a key; a name of data never does"
    for place, rule in enumerate(naming.keys):
        if not rule.key.is_of_keys:
            yield (
                f"spec.keys[{place}].key",
                f"it names no key: write /domain/{patterns.KEY_MARKER}/{{id}}, or data could be "
                "taken for a key",
            )
        if rule.signs.is_of_keys:
            yield f"spec.keys[{place}].signs", "it names a key; keys sign data"
    for place, publisher in enumerate(naming.publishers):
        if not is_under(publisher.prefix, naming.prefix):
            yield (
                f"spec.publishers[{place}].prefix",
                f"it lies outside the policy's scope {naming.prefix}; delegation only narrows",
            )


def _set(words: Iterable[str] | None) -> frozenset[str] | None:
    return None if words is None else frozenset(words)
