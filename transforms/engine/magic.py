"""What bytes are, told by how they begin: the images and sounds that data sets are made of."""

from __future__ import annotations

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"\xff\xfb", "mp3"),
)
_IN_RIFF = {b"WEBP": "webp", b"WAVE": "wav"}
UNKNOWN = "bin"
MEDIA_SUFFIXES = frozenset(
    {suffix for _, suffix in _BEGINNINGS} | set(_IN_RIFF.values()) | {"jpeg", "tif", "opus", "m4a"}
)


def suffix_of(data: bytes) -> str:
    """Return the usual ending of a file that holds `data`, `bin` where nothing tells."""
    if data[:4] == b"RIFF":
        return _IN_RIFF.get(data[8:12], UNKNOWN)
    return next((suffix for start, suffix in _BEGINNINGS if data.startswith(start)), UNKNOWN)
