"""The keeper: asks the platform's planner what is to be done, and has it done.

One answer serves all versions that stand alike, as movement/restless.py does it for tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from movement.engine.placement import Held, Item, Judge, Plan, Question, Standing, Step
from movement.engine.placement import place as plan_places
from movement.engine.simulation.checker import Checker
from movement.engine.simulation.clock import Clock
from movement.engine.simulation.lanes import due_at
from movement.engine.simulation.law import JudgeOf, broken_rule, is_enough, plain_judge
from movement.engine.simulation.ledger import Ledger
from movement.engine.simulation.scenario import HOUR
from movement.engine.simulation.traffic import Traffic
from movement.engine.simulation.world import Stand, Version, World
from movement.engine.surplus import surplus as plan_surplus

LATER = HOUR
"""Between two looks at a replica that may not go just now."""


@dataclass(frozen=True)
class Rules:
    """The planner. A test gives a false one, to see the checker find it out."""

    judge_of: JudgeOf = plain_judge
    place: Callable[[Question], Plan] = plan_places
    surplus: Callable[[Question], list[Item]] = plan_surplus


@dataclass
class Keeper:
    world: World
    clock: Clock
    ledger: Ledger
    checker: Checker
    traffic: Traffic
    rules: Rules
    scrubbed: set[tuple[int, str]] = field(default_factory=set)
    """Replicas of which a scrub knows what is broken: a repair sends that alone."""
    _judges: dict[int, Judge] = field(default_factory=dict)
    _at_rest: dict[tuple[Stand, tuple[tuple[bool, ...], ...]], bool] = field(default_factory=dict)
    _whole: dict[tuple[Stand, tuple[tuple[bool, ...], ...]], bool] = field(default_factory=dict)
    _places: dict[Stand, Plan] = field(default_factory=dict)

    # -- what the planner is asked

    def judge(self, version: Version) -> Judge:
        """Return who judges the places of a version; each place is judged once per policies."""
        if version.data not in self._judges:
            data = replace(self.world.data[version.data], labels=self.world.labels[version.data])
            asked_of = self.rules.judge_of(data, self.world.asked[version.data])
            verdicts = {n: asked_of(store) for n, store in self.world.mesh.stores.items()}
            self._judges[version.data] = lambda store: verdicts[store.name]
        return self._judges[version.data]

    def question(self, version: Version) -> Question:
        world = self.world
        return Question(
            world.asked[version.data], world.mesh, version.held, self.judge(version),
            load=world.load(version),
        )  # fmt: skip

    def policies_changed(self) -> None:
        """Forget all answers, stop what is forbidden now, and look over everything."""
        for known in (self._judges, self._at_rest, self._whole, self._places):
            known.clear()
        self.world.ask_again()
        self.checker.policies_changed()
        for copy in list(self.traffic.copies.values()):
            if not self.judge(copy.version)(self.world.mesh.stores[copy.target]).allow:
                self.traffic.call_off(copy)
                self.checker.called_off(copy.version, copy.target)
        for version in self.world.versions:
            self.world.restand(version)
        self.look_over()

    # -- looking over

    def look_over(self) -> None:
        """Find the versions for which something is to be done, and do it."""
        for stand in list(self.world.stands):
            if stand in self.world.stands and not self._rests(stand):
                for version in self.world.members(stand):
                    if not self._act(version):
                        break  # and so would be the answer for all that stand alike

    def look_at(self, version: Version) -> None:
        """Do what is to be done for one version."""
        if not self._rests(version.stand):
            self._act(version)

    def _stances(self, stand: Stand) -> tuple[tuple[bool, ...], ...]:
        return tuple(self.world.stance[store] for store, _ in stand.held)

    def _rests(self, stand: Stand) -> bool:
        return self._at_rest.get((stand, self._stances(stand)), False)

    def _act(self, version: Version) -> bool:
        """Carry out the plan of a version; say whether anything changed."""
        question, stand = self.question(version), version.stand
        plan = self.rules.place(question)
        going = {item.store for item in self.rules.surplus(question)}
        copies = plan.of(Step.COPY)
        if not copies and going == version.leaving.keys():
            if plan.unmet is None:
                self._at_rest[stand, self._stances(stand)] = True
            self._note_refusals(plan)
            return False
        due = due_at(version.born, question.requirement.time_to_replicate_minutes)
        for item in copies:
            key = (version.index, item.store)
            repair = key in self.scrubbed
            self.scrubbed.discard(key)
            self.traffic.queue(version, item.store, item.priority, due, repair)
        self._note_refusals(plan)
        self._mark(version, going)
        return True

    def _note_refusals(self, plan: Plan) -> None:
        for item in plan.of(Step.REFUSE):
            self.ledger.refused[", ".join(item.policies)] += 1

    def place_at_rest(self, version: Version) -> None:
        """Put every copy that is asked for in its place at once: the mesh begins at rest."""
        stand = version.stand
        plan = self._places.get(stand)
        if plan is None or not self._fits(version, plan):
            plan = self._places[stand] = self.rules.place(self.question(version))
            self._note_refusals(plan)
        for item in plan.of(Step.COPY):
            self.world.hold(version, item.store, Held(Standing.GOOD, ours=True))

    def _fits(self, version: Version, plan: Plan) -> bool:
        size = self.world.data[version.data].bytes
        free = (self.world.mesh.stores[i.store].free_bytes for i in plan.of(Step.COPY))
        return all(each is None or each >= size for each in free)

    # -- removal

    def _mark(self, version: Version, going: set[str]) -> None:
        """Mark what may go, to go after the delay; unmark the others."""
        after = self.world.now + self.world.scenario.removal_seconds
        for store in sorted(going - version.leaving.keys()):
            self._remove_at(version, store, after)
        for store in sorted(version.leaving.keys() - going):
            del version.leaving[store]
        self.world.restand(version)

    def _remove_at(self, version: Version, store: str, moment: float) -> None:
        version.leaving[store] = moment
        self.clock.at(moment, "removal", lambda: self._remove(version, store, moment))

    def _remove(self, version: Version, store: str, moment: float) -> None:
        """Remove a marked replica if it may still go, and every other copy answers for itself."""
        if version.leaving.get(store) != moment:
            return
        going = {item.store for item in self.rules.surplus(self.question(version))}
        if store not in going:
            self._mark(version, going)
            return
        if self._is_in_doubt(version, going) or self.world.asked[version.data].legal_hold:
            self.ledger.counts["removals put off"] += 1
            self._remove_at(version, store, self.world.now + LATER)
            return
        self.checker.removing(version, store)
        if any((version.index, other) in self.world.rotten for other in version.held):
            self.ledger.counts["removals beside rot that nobody knew of"] += 1
        self.world.drop(version, store)
        self.ledger.counts["replicas removed"] += 1
        self.look_at(version)

    def _is_in_doubt(self, version: Version, going: set[str]) -> bool:
        """Say whether a copy is under way, or one that is to stay does not answer."""
        staying = [s for s in self.world.good_stores(version) if s not in going]
        sites = self.world.sites
        return (
            not staying
            or self.traffic.is_busy(version)
            or not all(sites[self.world.site_of[store]].in_contact for store in staying)
        )

    # -- whether there are enough

    def is_whole(self, stand: Stand) -> bool:
        """Say whether good copies that count are as many as policies ask for."""
        key = (stand, self._stances(stand))
        found = self._whole.get(key)
        if found is None:
            asked = self.world.asked[stand.data]
            sites = [
                self.world.mesh.stores[store].site
                for store, held in stand.held
                if held.standing is Standing.GOOD
            ]
            lawful = [s for s in sites if s.counts and broken_rule(asked, s) is None]
            found = self._whole[key] = is_enough(asked, lawful)
        return found
