"""What a decision is about: who, what, on what, and in which situation. Plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.names import Name, is_under
from governance.engine.obligations import NONE, Obligations
from governance.engine.uids import Uid


class Action(StrEnum):
    DISCOVER = "discover"
    READ = "read"
    WRITE = "write"
    PUBLISH = "publish"
    REPLICATE = "replicate"
    TRANSFORM = "transform"
    ADMINISTER = "administer"


class Visibility(StrEnum):
    """Who may know that a product exists."""

    PUBLIC = "public"
    MESH = "mesh"
    TEAM = "team"

    def is_as_wide_as(self, other: Visibility) -> bool:
        """Say whether everyone who may know of a thing of `other` may know of one of this."""
        narrowing = list(Visibility)
        return narrowing.index(self) <= narrowing.index(other)


class Access(StrEnum):
    """How one comes to read a product: by being a member, or by a grant."""

    OPEN = "open"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is good for: some actions below one prefix."""

    actions: frozenset[Action]
    prefix: str

    def covers(self, action: Action, name: str) -> bool:
        """The mesh itself is covered by `/` only, except that every token may discover it."""
        if name == MESH_NAME and action is Action.DISCOVER:
            return True
        return action in self.actions and is_under(name, self.prefix)


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone who acts. `scopes` is None unless a token narrows what the person may do."""

    id: str
    groups: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    scopes: tuple[Scope, ...] | None = None
    kind: str = "person"
    """One of person, service, agent and site."""
    on_behalf_of: Principal | None = None
    """The person for whom an agent acts: it may do what both of them may."""

    @property
    def uid(self) -> Uid:
        return Uid("User", self.id)

    def ancestors(self) -> frozenset[Uid]:
        return frozenset(
            {Uid("Group", group) for group in self.groups}
            | {Uid("Team", team) for team in self.teams}
            | {Uid("Role", role) for role in self.roles}
        )

    def attributes(self) -> dict[str, Any]:
        """The Cedar attributes, in Cedar's JSON form."""
        return {"kind": self.kind, "delegated": self.on_behalf_of is not None}


ANONYMOUS = Principal("anonymous")
RECONCILER = Principal("service.reconciler", groups=frozenset({"services"}))
MESH_NAME = "/"
_OWNERS = "/owner"


def owners_of(team: str) -> str:
    """Return the role that a team's owners hold."""
    return f"{team}{_OWNERS}"


def teams_owned_by(roles: Iterable[str]) -> frozenset[str]:
    """Return the teams whose owners hold one of these roles."""
    return frozenset(role.removesuffix(_OWNERS) for role in roles if role.endswith(_OWNERS))


@dataclass(frozen=True, slots=True)
class Resource:
    """A product, a domain or the mesh, by name and attributes; never by foreign key."""

    type: str
    name: str
    team: str = ""
    visibility: str = Visibility.TEAM
    access: str = Access.REQUEST
    lifecycle: str = ""
    labels: frozenset[str] = frozenset()
    bound: bool = False
    """True when some policy binds where the product may lie."""
    residency: frozenset[str] = frozenset()
    bound_by: tuple[str, ...] = ()
    """The protection policies that bind the residency; for people, not for Cedar."""
    never: frozenset[str] = frozenset()
    """Sites at which no copy may lie."""
    never_by: tuple[str, ...] = ()
    """The protection policies that name those sites; for people, not for Cedar."""
    asked: str = field(default="", compare=False)
    """What the caller called it, if not by its name: an id or an old name. Told back when it is
    hidden from him, so that the refusal betrays nothing; not for Cedar."""

    @property
    def uid(self) -> Uid:
        return Uid(self.type, self.name)

    def parents(self) -> list[Uid]:
        """Every domain above, nearest first."""
        if self.type == "Mesh":
            return []
        domain = Name.parse(self.name).domain
        depth = len(domain) if self.type == "Product" else len(domain) - 1
        return [Uid("Domain", str(Name(domain[:n]))) for n in range(depth, 0, -1)]

    def attributes(self) -> dict[str, Any]:
        """The Cedar attributes, in Cedar's JSON form."""
        if self.type == "Mesh":
            return {}
        owned = {
            "team": {"__entity": Uid("Team", self.team).as_json()},
            "owners": {"__entity": Uid("Role", owners_of(self.team)).as_json()},
        }
        if self.type == "Domain":
            return owned
        return {
            **owned,
            "name": self.name,
            "visibility": str(self.visibility),
            "access": str(self.access),
            "lifecycle": self.lifecycle,
            "labels": sorted(self.labels),
            "bound": self.bound,
            "residency": sorted(self.residency),
            "never": sorted(self.never),
        }


MESH = Resource("Mesh", MESH_NAME)

SHAPES: Mapping[str, frozenset[str]] = {
    "User": frozenset(ANONYMOUS.attributes()),
    "Mesh": frozenset(MESH.attributes()),
    "Domain": frozenset(Resource("Domain", "/a").attributes()),
    "Product": frozenset(Resource("Product", "/a/~/b").attributes()),
}
"""The attributes of each type of entity, as schema.cedarschema declares them."""

REFERENCES: Mapping[str, str] = {"team": "Team", "owners": "Role"}
"""The attributes that hold an entity, and its type."""

CONTAINERS: Mapping[str, frozenset[str]] = {
    "User": frozenset({"Group", "Team", "Role"}),
    "Domain": frozenset({"Domain"}),
    "Product": frozenset({"Domain"}),
}
"""The types below which an entity may lie."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The circumstances of a request: for what, from where, towards which jurisdictions."""

    purpose: str = ""
    site: str = ""
    jurisdictions: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Any]:
        return {
            "purpose": self.purpose,
            "site": self.site,
            "jurisdictions": sorted(self.jurisdictions),
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of the one decision point, with what made it."""

    allow: bool
    policies: tuple[str, ...]
    reason: str
    policy_set: str
    obligations: Obligations = NONE
    """What the reader is to be kept to; NONE unless a permit that decided says so."""
