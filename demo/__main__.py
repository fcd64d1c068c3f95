"""`python -m demo`: start the platform if none runs, do the main job, report, and stop it again."""

from __future__ import annotations

import logging
import signal
import sys
import time

from fairmesh.errors import FairmeshError
from rich.console import Console

from demo import access, platform, story
from demo.people import People
from demo.setting import set_stage

_PAGE_WIDTH = 140
"""Columns of the report where there is no terminal to ask."""


def main() -> int:
    """Return 0 when every step of the story held; raise SystemExit with what did not."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for number in (signal.SIGTERM, signal.SIGHUP):  # what was started here ends with us
        signal.signal(number, lambda *_: sys.exit(1))
    console = Console() if sys.stdout.isatty() else Console(width=_PAGE_WIDTH)
    home = platform.home()
    folder = home / "demo-data"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    platform.install_tokenizer(home / "tokenizers")
    began = time.monotonic()
    with platform.running() as url:
        people = People(url, home / "demo-people")
        try:
            told = _tell(people, console)
        except FairmeshError as error:
            console.print(f"[red]{type(error).__name__}[/red] {error.detail} {error.problem}")
            return 1
        told.report.save(home / "demo-report.json")
        told.report.show(console)
    console.print(f"Done in {time.monotonic() - began:.1f} s. {home / 'demo-report.json'}")
    return 0


def _tell(people: People, console: Console) -> story.Story:
    home = platform.home()
    operator = people.sign_in(platform.OPERATOR, platform.operator_password())
    console.print(f"The mesh is at {people.url}; its anchor is {operator.mesh.anchor().key_id}.")
    began = time.monotonic()
    told = story.Story(set_stage(people, operator, home), home / "demo-data", console)
    spent = round(time.monotonic() - began, 2)
    told.report.chapters.append({"chapter": "The stage", "seconds": spent})
    told.chapter("Real tables are published", lambda: story.publish_tables(told))
    told.chapter("A corpus is published", lambda: story.publish_corpus(told))
    told.chapter("Data is registered where it lies", lambda: story.register_where_it_lies(told))
    told.chapter("A pipeline makes tokens", lambda: story.run_pipeline(told))
    told.chapter("The mesh makes its copies", lambda: story.watch_copies(told))
    told.chapter("Without a grant", lambda: access.without_a_grant(told))
    told.chapter("Ben asks", lambda: access.ask_and_be_answered(told))
    told.chapter("Ben fetches and verifies", lambda: access.fetch_and_verify(told))
    told.chapter("An expired token", lambda: access.an_expired_token(told))
    told.chapter("What the mesh knows", lambda: access.look_back(told))
    return told


if __name__ == "__main__":
    sys.exit(main())
