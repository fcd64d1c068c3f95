"""Sites that go away, are noticed, given up and welcomed back, as the page on sites has it.

What happens to a site and what is known of it differ: an outage is noticed when a copy fails there
or after a silence, and its copies count until its grace is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from movement.engine.placement import Standing
from movement.engine.simulation.clock import Clock
from movement.engine.simulation.keeper import Keeper
from movement.engine.simulation.ledger import Ledger
from movement.engine.simulation.traffic import Traffic
from movement.engine.simulation.world import Known, Site, Version, World

LISTED_A_SECOND = 1_000.0
"""Files that a listing goes through, at a site that comes back after its grace."""
DESTROYED, AWAY, BACK, LOST = "site destroyed", "site away", "site back", "site lost"


@dataclass
class SiteWatch:
    world: World
    clock: Clock
    ledger: Ledger
    traffic: Traffic
    keeper: Keeper
    check_losses: Callable[[list[Version]], None]
    _unlisted: set[str] = field(default_factory=set)
    """Sites that are back, and whose copies are not relied upon yet."""

    def is_there(self, store: str) -> bool:
        return self.world.sites[self.world.site_of[store]].in_contact

    # -- away

    def go_away(self, site: Site, seconds: float | None, *, known: bool) -> None:
        """Have a site be away, for so long or for good; known beforehand, or to be noticed."""
        if not site.up:
            return
        site.up, site.gone_at = False, self.world.now
        site.away += 1
        away = site.away
        name = site.spec.name
        length = "" if seconds is None else f" for {seconds / 3600:.1f} h"
        self.ledger.counts["absences of sites"] += 1
        if known:
            self.ledger.note(self.world.now, f"{name} is away{length}, as it said")
            self.traffic.cut(name, known=True)
            self._offline(site)
        else:
            self.ledger.note(self.world.now, f"{name} is away{length}")
            self.traffic.cut(name, known=False)
            self._await_silence(site, away)
        if seconds is not None:
            self.clock.after(seconds, BACK, lambda: self.back(site, away))

    def destroy(self, site: Site) -> None:
        """Have a site be gone with all that lies there; the mesh learns of it by its silence."""
        if site.destroyed:
            return
        self.go_away(site, None, known=False)
        site.destroyed = True
        self.ledger.note(self.world.now, f"{site.spec.name} is destroyed")
        self.ledger.counts["sites destroyed"] += 1
        self.check_losses(self._there(site))

    def store_failed(self, store: str) -> None:
        """Take a store that failed a copy for one that does not answer, until its site is back."""
        if self.world.answers[store]:
            self.world.answers[store] = False
            self._changed(self.world.sites[self.world.site_of[store]])

    def _await_silence(self, site: Site, away: int) -> None:
        self.clock.after(
            self.world.scenario.silence_seconds, AWAY, lambda: self._silent(site, away)
        )

    def _silent(self, site: Site, away: int) -> None:
        if site.up or site.away != away or site.state is not Known.ONLINE:
            return  # a draining site stays draining, silent or not
        if not site.in_window:
            self._await_silence(site, away)
            return
        self._offline(site)

    def _offline(self, site: Site) -> None:
        if site.state in (Known.OFFLINE, Known.LOST):
            return
        site.state, site.since = Known.OFFLINE, self.world.now
        cause = DESTROYED if site.destroyed else LOST
        since = site.since
        self.clock.after(site.spec.grace_seconds, cause, lambda: self._give_up(site, since))
        self._changed(site)

    def _give_up(self, site: Site, since: float) -> None:
        if site.state is not Known.OFFLINE or site.since != since:
            return
        site.state, site.since = Known.LOST, self.world.now
        self.ledger.note(self.world.now, f"{site.spec.name} is given up: its grace is over")
        self.ledger.counts["sites given up"] += 1
        cause = DESTROYED if site.destroyed else LOST
        self.ledger.noticed[cause].append(self.world.now - site.gone_at)
        self._changed(site)

    # -- back

    def back(self, site: Site, away: int) -> None:
        """Welcome a site back; what did not count is listed before it does again."""
        if site.away != away or site.destroyed:
            return
        counted = site.view(self.world.now).counts or site.state is Known.DRAINING
        was_up, site.up = site.up, True
        if site.state in (Known.OFFLINE, Known.LOST) or was_up:
            site.state, site.since = Known.ONLINE, self.world.now
        for spec in site.spec.stores:
            self.world.answers[spec.name] = True
        if not counted or site.spec.name in self._unlisted:
            self._suspect(site)
        self.ledger.note(self.world.now, f"{site.spec.name} is back")
        self._changed(site)

    def _suspect(self, site: Site) -> None:
        """Rely upon nothing there until a listing has found it; make nothing of it again, too."""
        self._unlisted.add(site.spec.name)
        files = 0
        marked: list[tuple[Version, str]] = []
        for stand, store in self.world.stands_at(site):
            for version in self.world.members(stand):
                held = version.held[store]
                is_copying = (version.index, store) in self.traffic.copies
                if held.standing is not Standing.BAD and not is_copying:
                    self.world.hold(version, store, replace(held, standing=Standing.COMING))
                    marked.append((version, store))
                    files += self.world.data[version.data].files
        away = site.away
        self.clock.after(files / LISTED_A_SECOND, BACK, lambda: self._listed(site, away, marked))

    def _listed(self, site: Site, away: int, marked: list[tuple[Version, str]]) -> None:
        if site.away != away:
            return  # it went away again before; its next return begins anew
        self._unlisted.discard(site.spec.name)
        for version, store in marked:
            held = version.held.get(store)
            is_copying = (version.index, store) in self.traffic.copies
            if held is not None and held.standing is Standing.COMING and not is_copying:
                self.world.hold(version, store, replace(held, standing=Standing.GOOD))
        self.keeper.look_over()
        self.traffic.ring()

    # -- other turns

    def drain(self, site: Site) -> None:
        if site.state is Known.ONLINE:
            site.state, site.since = Known.DRAINING, self.world.now
            self.ledger.note(self.world.now, f"{site.spec.name} is being emptied")
            self._changed(site)

    def turn_window(self, site: Site) -> None:
        """Have a window open, close or change its speed."""
        self.world.look_at_window(site)
        if not site.in_window:
            self.traffic.cut(site.spec.name, known=True)
        self.traffic.lanes.adjust_at(site.spec.name)
        self._changed(site)

    def _changed(self, site: Site) -> None:
        self.world.refresh(site)
        self.keeper.look_over()
        self.traffic.ring()

    def _there(self, site: Site) -> list[Version]:
        found = {
            version.index: version
            for stand, _ in self.world.stands_at(site)
            for version in self.world.members(stand)
        }
        return list(found.values())
