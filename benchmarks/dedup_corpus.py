"""What the deduplication benchmark reads, and what is alike in it in truth."""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.text_corpus import write_text_corpus

Shingles = set[tuple[str, ...]]


def write_dedup_corpus(target: Path, total_bytes: int) -> list[str]:
    """Write JSON lines of real texts, among them copies, and return the texts.

    Every tenth text stands there twice, and every tenth again with up to a tenth of its words
    replaced, so that there are pairs of every similarity near 0.8 beside those found in nature.
    """
    chance = random.Random(7)
    write_text_corpus(target, total_bytes)
    with target.open(encoding="utf-8") as stream:
        texts = [str(json.loads(line)["text"]) for line in stream]
    made = [*texts, *texts[::10], *(_changed(text, chance) for text in texts[5::10])]
    chance.shuffle(made)
    with target.open("w", encoding="utf-8") as stream:
        for text in made:
            stream.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return made


def _changed(text: str, chance: random.Random) -> str:
    words = text.split()
    for _ in range(round(len(words) * chance.random() * 0.1)):
        words[chance.randrange(len(words))] = f"other{chance.randrange(1000)}"
    return " ".join(words)


def shingles(text: str, words: int) -> Shingles:
    found = [word for word in re.split("[\x00-\x20]+", text) if word]
    starts = range(max(1, len(found) - words + 1)) if found else range(0)
    return {tuple(found[start : start + words]) for start in starts}


def repeated(texts: Sequence[str], threshold: float, words: int) -> set[int]:
    """Return the texts that are not the first of their cluster, by counting every set out.

    Two sets can only be as alike as `threshold` if they share one of their rarest shingles.
    Source: Bayardo, Ma, Srikant 2007, "Scaling up all pairs similarity search".
    """
    sets = [shingles(text, words) for text in texts]
    first = list(range(len(texts)))
    for one, other in _candidates(sets, threshold):
        shared = len(sets[one] & sets[other])
        if shared >= threshold * (len(sets[one]) + len(sets[other]) - shared):
            _join(first, one, other)
    return {each for each in range(len(texts)) if _root(first, each) != each}


def _candidates(sets: Sequence[Shingles], threshold: float) -> Iterator[tuple[int, int]]:
    common = Counter(shingle for found in sets for shingle in found)
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, found in enumerate(sets):
        rarest = sorted(found, key=lambda shingle: (common[shingle], shingle))
        prefix = rarest[: int(len(found) * (1 - threshold) + 1e-9) + 1]
        yield from {(other, number) for shingle in prefix for other in holders[shingle]}
        for shingle in prefix:
            holders[shingle].append(number)


def _root(first: list[int], number: int) -> int:
    while first[number] != number:
        number = first[number]
    return number


def _join(first: list[int], one: int, other: int) -> None:
    low, high = sorted((_root(first, one), _root(first, other)))
    first[high] = low
