"""The `Link` header that tells a download manager where else the same bytes are.

Source: RFC 6249 (Metalink/HTTP) section 3; RFC 8288 section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_LINKS = 4
"""Signed addresses are long, and a proxy refuses a header of more than a few kilobytes."""


def link_header(urls: Sequence[str], *, of: str = "") -> str:
    """Return the addresses as duplicates, the best as `pri=1`; empty without any.

    `of` is what they are duplicates of, where that is not the address that was asked for.
    """
    anchor = f'; anchor="{_plain(of)}"' if of else ""
    return ", ".join(
        f'<{_plain(url)}>; rel="duplicate"; pri={number}{anchor}'
        for number, url in enumerate(urls[:MOST_LINKS], 1)
    )


def _plain(url: str) -> str:
    """Programs in the field split the header at commas, and a bracket would end the address."""
    return url.replace(",", "%2C").replace(">", "%3E").replace('"', "%22")
