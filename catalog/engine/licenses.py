"""Licences as addresses: only what SPDX knows becomes a link, so that no text can be one."""

from __future__ import annotations

from functools import cache

from license_expression import ExpressionError, Licensing, get_spdx_licensing


@cache
def spdx() -> Licensing:
    """Return SPDX's list of licences, read when it is first asked for."""
    return get_spdx_licensing()


def spdx_urls(expression: str) -> tuple[str, ...]:
    """Return the SPDX pages of the licences in `expression`; none for what SPDX does not know.

    Source: SPDX specification 2.3, annex D (expressions).
    """
    try:
        parsed = spdx().parse(expression, validate=True) if expression else None
    except ExpressionError:
        return ()
    if parsed is None:
        return ()
    keys = [str(key) for key in spdx().license_keys(parsed)]
    return tuple(f"https://spdx.org/licenses/{key}" for key in keys if not _is_local(key))


def _is_local(key: str) -> bool:
    return key.startswith("LicenseRef-")
