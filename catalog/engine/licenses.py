"""Licences as addresses: only what SPDX knows becomes a link, so that no text can be one."""

from __future__ import annotations

from license_expression import ExpressionError, get_spdx_licensing

_SPDX = get_spdx_licensing()


def spdx_urls(expression: str) -> tuple[str, ...]:
    """Return the SPDX pages of the licences in `expression`; none for what SPDX does not know.

    Source: SPDX specification 2.3, annex D (expressions).
    """
    try:
        parsed = _SPDX.parse(expression, validate=True) if expression else None
    except ExpressionError:
        return ()
    if parsed is None:
        return ()
    keys = [str(key) for key in _SPDX.license_keys(parsed)]
    return tuple(f"https://spdx.org/licenses/{key}" for key in keys if not _is_local(key))


def _is_local(key: str) -> bool:
    return key.startswith("LicenseRef-")
