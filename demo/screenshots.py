"""`python -m demo.screenshots`: the pictures of the README, taken from the demonstration's mesh.

Needs Chromium (`python -m tests.browser`) and a mesh in which `python -m demo` has run; the
platform is started when none runs.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from demo import platform

IMAGES = platform.REPOSITORY / "docs" / "images"
PAGES = {
    "discover": "/?q=air+quality",
    "product": "/p/acme/nlp/~/code-tokens?tab=lineage",
    "jobs": "/jobs",
}
SCHEMES = ("light", "dark")
LARGEST_BYTES = 300_000
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> int:
    """Return 0 when each page was taken in both colour schemes."""
    with platform.running() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 900}, locale="en-GB")
            _sign_in(page, url)
            for name, path in PAGES.items():
                for scheme in SCHEMES:
                    _take(page, url + path, IMAGES / f"{name}-{scheme}.png", scheme)
        finally:
            browser.close()
    return 0


def _chromium() -> str:
    given = os.environ.get("FAIRMESH_TEST_CHROMIUM")
    found = given or next((path for name in _CHROMIUMS if (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit("The pictures need Chromium: `apt-get install chromium`.")
    return found


def _sign_in(page: Page, url: str) -> None:
    """Sign in as Ana, whose products the demonstration made, by the portal's own form."""
    password = platform.home() / "demo-people" / "ana.password"
    if not password.exists():
        raise SystemExit("The mesh has no demonstration yet: run `make demo` first.")
    page.goto(f"{url}/sign-in")
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password", exact=True).fill(password.read_text())
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Signed in as ana").wait_for()


def _take(page: Page, address: str, target: Path, scheme: str) -> None:
    """Write the picture; SystemExit when it is too large to be read by others."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    page.screenshot(path=target)
    if target.stat().st_size > LARGEST_BYTES:
        raise SystemExit(f"{target.name} has more than {LARGEST_BYTES:,} bytes.")
    print(f"{target.relative_to(platform.REPOSITORY)}  {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
