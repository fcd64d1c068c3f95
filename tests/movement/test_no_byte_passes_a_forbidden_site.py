"""Whatever the topology, the policies and the order of work, a forbidden site gets no byte.

The stores' folders are looked into, not our tables: creating a file changes its folder's times, so
that even a file that was there for a moment, or lay in a temporary folder, is seen.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, permutations
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from catalog.models import Version
from movement.models import ACTIVE, Link, Site, Transfer
from movement.services import reconcile_version, request_transfer, run_transfer
from tests.builders import World, deliver
from tests.movement.conftest import WIKI

FILES = {"a.csv": b"x\n1\n", "deep/b.bin": bytes(range(256)) * 30}
SITES = ("s0", "s1", "s2", "s3")
HOME, OTHERS = SITES[0], SITES[1:]
CODES = ("DE", "EU", "PT", "US")
WAYS = tuple(permutations(SITES, 2))
_ROUNDS = 12
_numbers = count()

Tree = dict[Path, tuple[int, int]]


@dataclass(frozen=True)
class Case:
    """A mesh of four sites with a store each; the version is born at s0."""

    codes: tuple[frozenset[str], ...]
    closed: frozenset[tuple[str, str]]
    residency: frozenset[str] | None
    never: frozenset[str]
    copies: int
    by_hand: frozenset[str]
    """Where somebody asked for a copy while that was still allowed."""
    late: int
    """Transfers that have run when the policies come."""
    seed: int

    @property
    def forbidden(self) -> set[str]:
        """Say by a rule of our own where no byte may lie."""
        return {
            site
            for site, codes in zip(SITES, self.codes, strict=True)
            if site in self.never or (self.residency is not None and not codes & self.residency)
        }

    def is_reached(self, target: str) -> bool:
        """Say whether a direct way, or one over a permitted third site, leads from s0 to a site."""
        stops = set(OTHERS) - {target} - self.forbidden
        over = ({(HOME, stop), (stop, target)} for stop in stops)
        return any(not way & self.closed for way in ({(HOME, target)}, *over))


codes = st.frozensets(st.sampled_from(CODES), min_size=1, max_size=2)
cases = st.builds(
    Case,
    codes=st.tuples(codes, codes, codes, codes),
    closed=st.frozensets(st.sampled_from(WAYS), min_size=2, max_size=8),
    residency=st.none() | st.frozensets(st.sampled_from(CODES), min_size=1, max_size=3),
    never=st.frozensets(st.sampled_from(OTHERS), max_size=2),
    copies=st.integers(1, 4),
    by_hand=st.frozensets(st.sampled_from(OTHERS), max_size=3),
    late=st.sampled_from([0, 0, 1]),
    seed=st.integers(0, 99),
)
DE, PT, US = frozenset({"DE", "EU"}), frozenset({"PT", "EU"}), frozenset({"US"})
OVER_PT_ALONE = Case(
    codes=(DE, US, PT, DE), closed=frozenset({(HOME, "s3")}), residency=frozenset({"EU"}),
    never=frozenset(), copies=1, by_hand=frozenset({"s3", "s1"}), late=0, seed=0,
)  # fmt: skip
OVER_NOBODY = Case(
    codes=(DE, US, US, DE), closed=frozenset({(HOME, "s3")}), residency=frozenset({"EU"}),
    never=frozenset(), copies=4, by_hand=frozenset({"s3"}), late=0, seed=0,
)  # fmt: skip
BOUND_ON_ITS_WAY = Case(
    codes=(DE, US, PT, DE), closed=frozenset({(HOME, "s3")}), residency=None,
    never=frozenset({"s1", "s2"}), copies=2, by_hand=frozenset({"s3"}), late=1, seed=0,
)  # fmt: skip


@given(case=cases)
@example(case=OVER_PT_ALONE)
@example(case=OVER_NOBODY)
@example(case=BOUND_ON_ITS_WAY)
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_byte_ever_lies_at_a_forbidden_site(world: World, case: Case) -> None:
    with transaction.atomic():
        _carry_out(world, case)
        transaction.set_rollback(True)


def _carry_out(world: World, case: Case) -> None:
    number = next(_numbers)
    roots = _build(world, case, f"e{number}")
    version = world.publish(WIKI, FILES, store=f"e{number}-{HOME}")
    for site in sorted(case.by_hand):
        store = f"e{number}-{site}"
        request_transfer(world.operator.principal, version=version.name, target=store)
    draw = random.Random(case.seed)
    first = _due(version, draw)
    for _ in range(case.late):
        for transfer in first[:1]:
            run_transfer(transfer.pk)
    touched_before = {site for site in OTHERS if _whole(roots[site])}
    _bind(world, case, number)
    before = {site: _tree(roots[site]) for site in case.forbidden}
    for transfer in _until_quiet(version, draw):
        run_transfer(transfer.pk)
        for site, tree in before.items():
            assert _tree(roots[site]) == tree, f"{site} was written to by {transfer}"
    wanted = case.by_hand - case.forbidden
    reached = {site for site in wanted if case.is_reached(site)}
    if HOME not in case.forbidden:
        assert {site for site in reached if not _whole(roots[site])} == set()
    stops = {site for site in OTHERS if _whole(roots[site])} - wanted - touched_before
    event(f"forbidden {len(case.forbidden)}, reached {len(reached)}, others {len(stops)}")


def _build(world: World, case: Case, mark: str) -> dict[str, Path]:
    roots = {}
    for name, where in zip(SITES, case.codes, strict=True):
        world.add_site(name, "core", sorted(where))
        roots[name] = Path(world.add_directory(f"{mark}-{name}", name).root)
    sites = Site.objects.in_bulk(SITES, field_name="name")
    Link.objects.bulk_create(
        Link(source=sites[source], target=sites[target], open=False)
        for source, target in sorted(case.closed)
    )
    return roots


def _bind(world: World, case: Case, number: int) -> None:
    """Put the policies into force, each by itself, so that none contradicts another on saving."""
    if case.residency is not None:
        world.add_protection(f"there-{number}", f"{{residency: [{_told(case.residency)}]}}")
    if case.never:
        world.add_protection(f"never-{number}", f"{{never_sites: [{_told(case.never)}]}}")
    if case.copies > 1:
        world.add_protection(f"copies-{number}", f"{{copies: {case.copies}}}")


def _told(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _until_quiet(version: Version, draw: random.Random) -> Iterator[Transfer]:
    """Yield what is due, round by round, with the reconciler between; end when nothing is."""
    for _ in range(_ROUNDS):
        deliver()
        reconcile_version(version.pk)
        due = _due(version, draw)
        if not due:
            return
        yield from due
    raise AssertionError("the reconciler does not come to rest")


def _due(version: Version, draw: random.Random) -> list[Transfer]:
    rows = Transfer.objects.filter(
        version=version, state__in=ACTIVE, next_attempt_at__lte=timezone.now()
    )
    found = sorted(rows.select_related("target"), key=lambda row: row.target.name)
    draw.shuffle(found)
    return found


def _tree(root: Path) -> Tree:
    """Return every file and folder below a store with its times and size, hidden ones too."""
    return {
        path: ((status := path.lstat()).st_mtime_ns, status.st_size)
        for path in (root, *root.rglob("*"))
    }


def _whole(root: Path) -> bool:
    """Say whether every file of the product lies below a store with its bytes."""
    found = {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return all(found.get(Path(path).name) == data for path, data in FILES.items())
