"""Tiles: a Merkle tree kept as few small pieces, so that growing and proving reads a handful.

A tile of level L holds up to 256 hashes; each is the root of 256 of the level below, and those of
level 0 are leaves. Only the last tile of a level ever changes, and a full one never again.

Source: C2SP tlog-tiles, with tiles of height 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.merkle import HASH_BYTES, root_of

HEIGHT = 8
WIDTH = 1 << HEIGHT

Read = Callable[[int, int], bytes]
"""From (level, number) to the hashes of a tile, one after the other."""


def extended(size: int, leaves: Sequence[bytes], read: Read) -> dict[tuple[int, int], bytes]:
    """Return the tiles, by (level, number), that change when `leaves` follow the first `size`.

    Reads at most one tile a level: the one that is not full yet.
    """
    changed: dict[tuple[int, int], bytes] = {}
    level, start, added = 0, size, list(leaves)
    while added:
        first, kept = divmod(start, WIDTH)
        before = read(level, first)[: kept * HASH_BYTES] if kept else b""
        hashes = hashes_in(before) + added
        above = []
        for at in range(0, len(hashes), WIDTH):
            tile = hashes[at : at + WIDTH]
            changed[level, first + at // WIDTH] = b"".join(tile)
            if len(tile) == WIDTH:
                above.append(root_of(tile))
        level, start, added = level + 1, first, above
    return changed


def hashes_in(tile: bytes) -> list[bytes]:
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


class TiledTree:
    """Gives the complete subtrees that proofs ask for; each tile is read once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def node(self, level: int, number: int) -> bytes:
        """Return the root of a complete subtree: at most 255 hashes within one tile."""
        tile_level, inside = divmod(level, HEIGHT)
        first = number << inside
        hashes = self._tile(tile_level, first >> HEIGHT)
        at = first % WIDTH
        return root_of(hashes[at : at + (1 << inside)])

    def _tile(self, level: int, number: int) -> list[bytes]:
        if (level, number) not in self._tiles:
            self._tiles[level, number] = hashes_in(self._read(level, number))
        return self._tiles[level, number]
