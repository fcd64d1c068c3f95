"""Members of a tar archive, all alike but for name and size: equal data give equal bytes.

Source: POSIX.1-2017 pax, "ustar Interchange Format".
"""

from __future__ import annotations

from core.errors import Invalid

BLOCK = 512
END = bytes(2 * BLOCK)
"""What stands behind the last member."""
_NAME, _PREFIX = 100, 155
_OWNER = b"0000644\0" + b"0000000\0" * 2  # mode, uid, gid
_MTIME = b"00000000000\0"
_AFTER_SUM = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2
_REST = bytes(BLOCK - _NAME - len(_OWNER) - 12 - len(_MTIME) - 8 - len(_AFTER_SUM) - _PREFIX)
_SPACES = 8 * ord(" ")
"""The checksum is taken as if its own field held spaces."""
_CONSTANT = sum(_OWNER) + sum(_MTIME) + sum(_AFTER_SUM) + _SPACES
_PADDING = [bytes(-size % BLOCK) for size in range(BLOCK)]


def header(name: bytes, size: int) -> bytes:
    """Return the header of a file; raises Invalid for a name that is too long."""
    prefix = b""
    if len(name) > _NAME:
        prefix, name = _cut(name)
    length = b"%011o\0" % size
    checksum = _CONSTANT + sum(name) + sum(prefix) + sum(length)
    return b"".join(
        (
            name.ljust(_NAME, b"\0"),
            _OWNER,
            length,
            _MTIME,
            b"%06o\0 " % checksum,
            _AFTER_SUM,
            prefix.ljust(_PREFIX, b"\0"),
            _REST,
        )
    )


def padding(size: int) -> bytes:
    """Return what fills the last block of a member."""
    return _PADDING[size % BLOCK]


def _cut(name: bytes) -> tuple[bytes, bytes]:
    """Return the two fields of a long name, which is cut at a slash."""
    at = name.find(b"/", max(len(name) - _NAME - 1, 1))
    if not 0 < at <= _PREFIX or at == len(name) - 1:
        raise Invalid(
            f"{name.decode(errors='replace')!r} is too long for a tar archive without extensions; "
            "choose a shorter key."
        )
    return name[:at], name[at + 1 :]
