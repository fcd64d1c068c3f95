"""What the browser tests share: names of the mesh, and a visit to the portal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import ConsoleMessage, Page, Request

from movement.models import Transfer, TransferState
from movement.services import request_transfer
from tests.builders import Person, World
from tests.e2e.turns import TURN

FRONTEND = django_settings.BASE_DIR / "frontend"
WIKI, TOKENS, SECRET = "/acme/nlp/~/wiki", "/acme/nlp/~/tokens", "/acme/health/~/patients"
ROWS = b"city,people\nLisbon,545000\nPorto,231000\nCoimbra,140000\n"
SLOWEST_MS = 20_000
"""A wait ends when what is waited for is there; this is for a machine that is busy."""
EXPECTED = re.compile(r"the server responded with a status of 4\d\d")
"""Chromium logs each refused request; that a refusal is shown well is what tests look at."""
WHOLE = """() =>
  document.querySelector("h1") !== null &&
  document.querySelector("[aria-label=Loading], [aria-busy=true], .mantine-Skeleton-root") === null
"""
"""Whether the page has its heading, and no part of it still waits for what it shows."""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Ends when what the page has now is drawn, and what follows from it has begun."""
STILL = """async () => {
  const moving = () => document.getAnimations()
    .filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
  while (moving().length > 0) {
    await Promise.all(moving().map((each) => each.finished.catch((error) => {
      if (error.name !== "AbortError") throw error; // it was called off: it does not move either
    })));
    await new Promise(requestAnimationFrame); // what inherits from it may move only now
  }
}"""
"""Ends when nothing is between two colours or two places any more, but for what moves for ever."""


def ask_for_copy(world: World, version: str, target: str) -> Transfer:
    """Return the transfer of this version, asked for by its owner when none is under way."""
    under_way = Transfer.objects.filter(version__product__name=version.rpartition("/")[0])
    found = under_way.filter(target__name=target, state=TransferState.QUEUED).first()
    return found or request_transfer(world.ana.principal, version=version, target=target)


def carried(transfer: Transfer, done: int) -> None:
    """Write what a worker writes while it copies: `done` of 1,000 bytes."""
    with TURN:
        Transfer.objects.filter(pk=transfer.pk).update(
            state=TransferState.RUNNING,
            started_at=timezone.now(),
            bytes_total=1000,
            bytes_done=done,
            lease_until=timezone.now() + timedelta(minutes=5),
        )


def serious(page: Page) -> list[dict[str, Any]]:
    """Return what axe calls serious or critical on the page as it is, once it stands still."""
    page.evaluate(STILL)
    if not page.evaluate("'axe' in window"):
        page.evaluate((FRONTEND / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        {"rule": one["id"], "where": [node["html"][:200] for node in one["nodes"]][:3]}
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@dataclass
class Visit:
    """A page in the browser, and what went over the wire and into the console since."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    under_way: set[Request] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("request", self._begin)
        self.page.on("requestfinished", self._end)
        self.page.on("requestfailed", self._end)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._read)

    def open(self, path: str) -> Page:
        """Go there, and wait until the page is whole and has its answers; counts from here on.

        A silent network does not tell that: on a busy machine it is silent while the page
        computes what to ask next, and a page that asks every second may never be silent for long.
        """
        self.asked.clear()
        self.page.goto(self.url + path)
        give_up = monotonic() + SLOWEST_MS / 1000
        while True:
            self.page.wait_for_function(WHOLE)
            self.settle()
            asked = len(self.asked)
            self.page.evaluate(DRAWN)
            if not self.under_way and len(self.asked) == asked and self.page.evaluate(WHOLE):
                return self.page
            assert monotonic() < give_up, f"{path} is never whole; it asked for {self.asked}"

    def sign_in(self, person: Person) -> None:
        """Give the browser the person's session, as the form would."""
        with TURN:
            client = Client()
            client.force_login(person.user)
        name = django_settings.SESSION_COOKIE_NAME
        self.page.context.add_cookies(
            [{"name": name, "value": client.cookies[name].value, "url": self.url}]
        )

    def settle(self) -> None:
        """Wait until every request has its answer, so that none outlives what comes next."""
        give_up = monotonic() + SLOWEST_MS / 1000
        while self.under_way and monotonic() < give_up:
            self.page.wait_for_timeout(20)
        assert not self.under_way, f"still asked for: {[each.url for each in self.under_way]}"

    def leave(self) -> None:
        """Close the page that is open: nothing more of it is asked for, or counted with others."""
        self.settle()
        self.page.goto("about:blank")
        self.settle()

    def forget(self) -> None:
        """Drop the cookies, when no answer that sets one is on its way."""
        self.settle()
        self.page.context.clear_cookies()

    def _begin(self, request: Request) -> None:
        self.under_way.add(request)
        if "/api/" in request.url:
            self.asked.append(f"{request.method} {request.url}")

    def _end(self, request: Request) -> None:
        self.under_way.discard(request)

    def _read(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)
