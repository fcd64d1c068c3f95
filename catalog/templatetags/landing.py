"""How landing pages write numbers and names."""

from __future__ import annotations

from django import template

register = template.Library()
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


@register.filter
def grouped(number: int | None) -> str:
    """Return 1234567 as 1,234,567."""
    return "" if number is None else f"{number:,}"


@register.filter
def binary_size(size: int) -> str:
    """Return a number of bytes as people say it, in powers of 1,024."""
    if size < 1024:
        return f"{size} bytes" if size != 1 else "1 byte"
    value = float(size)
    for unit in _UNITS:
        value /= 1024
        if value < 1024 or unit == _UNITS[-1]:
            break
    return f"{value:.1f} {unit}"


@register.filter
def short_digest(digest: str) -> str:
    """Return the beginning of a digest, enough to compare by eye."""
    return digest.removeprefix("sha256:")[:12]
