"""What an entry of the audit log is made of, and what of it can be forgotten.

A value that tells of a person stands in the entry as a commitment, the sha256 of a salt and the
value. The salt and the value are kept apart from the log: while they are there, everyone who may
see them can check that they are what was committed to; once they are gone the entry says nothing
of the person, and the log is as whole as before. docs/reference/audit.md is the format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.canonical import canonical_json
from core.errors import Invalid

FORMAT = 1
PREFIX = "commitment:"
SALT_BYTES = 16

_PEOPLE = frozenset(
    {
        "agent", "agents", "approver", "approvers", "created_by", "decided_by", "delegate", "by",
        "granted_by", "granted_to", "holder", "member", "members", "on_behalf_of", "people",
        "person", "principal", "requester", "reviewer", "reviewers", "steward", "subject", "to",
        "user", "username", "users",
    }
)  # fmt: skip
"""The keys of an entry's detail under which people are named."""

_OWN = frozenset(
    {"address", "comment", "device", "email", "ip", "note", "reason", "title", "user_agent", "why"}
)
"""The keys under which stands what is personal to, or was written by, whoever acts."""

_IMPERSONAL = frozenset(
    {
        "add-member", "add-to-group", "create-group", "create-site", "create-store", "create-team",
        "change-link", "erase-person", "move-store", "quarantine-store", "remove-from-group",
        "remove-member", "replicate", "site-state", "trust-store",
    }
)  # fmt: skip
"""The acts on what is named without a `/` and is no person."""


@dataclass(frozen=True, slots=True)
class Personal:
    """A value that the log keeps as a commitment only; `of` is the person that it tells of."""

    value: str
    of: str


@dataclass(frozen=True, slots=True)
class Told:
    """An entry before it is committed: Personal values stand where a person is told of."""

    principal: str | Personal
    on_behalf_of: str | Personal
    name: str | Personal
    detail: Any

    def personal(self) -> set[Personal]:
        return set(_found(self.principal, self.on_behalf_of, self.name, self.detail))


def told(
    principal: str, on_behalf_of: str, action: str, name: str, detail: Mapping[str, Any]
) -> Told:
    """Return the entry with everything personal marked.

    A name that does not begin with `/` is taken for a person's unless the act is known to be on
    something else: what is new is forgotten too well rather than too badly.
    """
    return Told(
        _person(principal),
        _person(on_behalf_of),
        _named(principal, action, name),
        {key: _marked(key, value, principal) for key, value in detail.items()},
    )


def _person(name: str) -> str | Personal:
    """The platform's own services, and nobody, are no persons."""
    known = name in ("", "anonymous") or name.startswith("service.")
    return name if known else Personal(name, name)


def _named(principal: str, action: str, name: str) -> str | Personal:
    if name.startswith("/") or action in _IMPERSONAL:
        return name
    if action == "sign-in":  # named after the address that it came from
        return Personal(name, principal)
    return _person(name)


def _marked(key: str, value: Any, principal: str) -> Any:
    if isinstance(value, Mapping):
        return {inner: _marked(inner, of, principal) for inner, of in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [_marked(key, item, principal) for item in items]
    if not isinstance(value, str) or not value:
        return value
    if key in _PEOPLE:
        return value if value.startswith("/") else _person(value)
    is_own = key in _OWN and isinstance(_person(principal), Personal)
    return Personal(value, principal) if is_own else value


def _found(*values: Any) -> Iterator[Personal]:
    for value in values:
        if isinstance(value, Personal):
            yield value
        elif isinstance(value, Mapping):
            yield from _found(*value.values())
        elif isinstance(value, list):
            yield from _found(*value)


def committed(value: Any, commitments: Mapping[Personal, str]) -> Any:
    """Return the value with each Personal replaced by `{"commitment": hex}`."""
    if isinstance(value, Personal):
        return {"commitment": commitments[value]}
    if isinstance(value, Mapping):
        return {key: committed(inner, commitments) for key, inner in value.items()}
    if isinstance(value, list):
        return [committed(inner, commitments) for inner in value]
    return value


def column(value: str | Personal, commitments: Mapping[Personal, str]) -> str:
    """Return a name as an entry holds it: itself, or `commitment:` and the hexadecimal hash."""
    return PREFIX + commitments[value] if isinstance(value, Personal) else value


def commitment(salt: bytes, value: str) -> str:
    try:
        return hashlib.sha256(salt + value.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise Invalid("A name or text holds characters that no text may hold.") from error


def lookup_of(value: str) -> str:
    """Return by what a clear value is found again among the clear texts."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def entry_bytes(entry: Mapping[str, Any]) -> bytes:
    """Return what is hashed into the log: the canonical JSON of the fields of FIELDS."""
    return canonical_json({"v": FORMAT, **{field: entry[field] for field in FIELDS}})


FIELDS = (
    "at", "principal", "on_behalf_of", "action", "name", "allowed", "policies", "policy_set",
    "detail",
)  # fmt: skip
"""The fields of an entry; `at` is an RFC 3339 time."""


def commitments_in(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return every commitment that the entries hold."""
    found: set[str] = set()
    for entry in entries:
        columns = (entry["principal"], entry["on_behalf_of"], entry["name"])
        found.update(text.removeprefix(PREFIX) for text in columns if text.startswith(PREFIX))
        found.update(_committed_in(entry["detail"]))
    return found


def _committed_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if set(value) == {"commitment"}:
            yield str(value["commitment"])
            return
        for inner in value.values():
            yield from _committed_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _committed_in(inner)


ERASED = "erased"


def revealed(value: Any, clear: Mapping[str, str]) -> Any:
    """Return the value with each commitment replaced by what it stands for, or by `erased`."""
    if isinstance(value, str) and value.startswith(PREFIX):
        return clear.get(value.removeprefix(PREFIX), ERASED)
    return _revealed_in(value, clear)


def _revealed_in(value: Any, clear: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"commitment"}:
            return clear.get(str(value["commitment"]), ERASED)
        return {key: _revealed_in(inner, clear) for key, inner in value.items()}
    if isinstance(value, list):
        return [_revealed_in(inner, clear) for inner in value]
    return value
