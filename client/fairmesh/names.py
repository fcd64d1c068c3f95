"""The little that a client must know of names: their parts, and which paths are safe to write."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from fairmesh.errors import UsageError, VerificationFailed

_NAME = re.compile(
    r"(?P<product>(?:/[a-z0-9][a-z0-9._-]{0,63})+/~/[a-z0-9][a-z0-9._-]{0,63})"
    r"(?:/v=(?P<version>[1-9][0-9]{0,17})(?:/(?P<path>.+))?)?"
)
KEPT = ".fairmesh"
"""The folder of a fetched version that holds its seal; no file of a version may lie in it."""


def split_name(name: str) -> tuple[str, int | None, str | None]:
    """Return (product, version number, encoded file path); raise UsageError for anything else."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise UsageError(
            f"{name!r} is not the name of a product, a version or a file; "
            "write it like /acme/nlp/~/wiki or /acme/nlp/~/wiki/v=3."
        )
    number = found["version"]
    return found["product"], int(number) if number else None, found["path"]


def encode_path(path: str) -> str:
    """Percent-encode a file path for a name or an address; `/` stays."""
    return quote(path, safe="/")


def is_under(name: str, prefix: str) -> bool:
    """True when `name` equals `prefix` or lies below it; `/` is above everything."""
    return prefix == "/" or name == prefix or name.startswith(prefix + "/")


def safe_path(path: str) -> str:
    """Return `path` when it stays inside the folder it is written to; else raise.

    A manifest comes from outside, so this is checked before any path of it touches the disk.
    """
    parts = path.split("/")
    odd = any(ord(char) < 0x20 or ord(char) == 0x7F for char in path)
    odd = odd or (os.sep != "/" and os.sep in path)
    if odd or any(part in {"", ".", ".."} for part in parts):
        raise VerificationFailed(f"The manifest names the path {path!r}, which is not safe.")
    if parts[0] == KEPT:
        raise VerificationFailed(f"The manifest names {path!r}, inside the folder of the seal.")
    return path
