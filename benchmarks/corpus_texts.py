"""What the benchmark of whole pipelines reads: prose, other languages, code and copies, mixed.

All of it comes from the installed packages: of each file the paragraphs that read like prose, be
they documentation, docstrings or comments; the translations of each catalogue; and every sixtieth
source file whole. Every tenth text stands there twice, and every third ends with an address of mail
and one of a network. The same installation gives the same corpus.
"""

from __future__ import annotations

import inspect
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.text_corpus import Corpus, texts

_DOCSTRING = re.compile(r'(?:\A|:\n)\s*[rR]?"""(.+?)"""', re.DOTALL)
_COMMENT = re.compile(r"(?:^[ \t]*(?://+|\*|#)(?!!)[^\n]*\n)+", re.MULTILINE)
_COMMENT_MARK = re.compile(r"^[ \t]*(?://+[/!]?|\*|#+)?[ \t]?", re.MULTILINE)
_TRANSLATION = re.compile(r'^msgstr(?:\[\d\])? "(.+)"$', re.MULTILINE)
_TAG = re.compile(r"<[^>]*>")
_COMMENTED = frozenset({".h", ".c", ".js", ".mjs", ".ts", ".pyi"})
_SHORTEST = 400
"""Characters of a text; the share of a paragraph's that are letters or space; its words."""
_LETTERS, _WORDS = 0.93, 12
_SOURCE_EVERY, _COPY_EVERY, _ADDRESS_EVERY = 60, 10, 3


def write_pipeline_corpus(folder: Path, total_bytes: int, files: int, times: int = 1) -> Corpus:
    """Write `files` files of JSON lines of `id` and `text`, about `total_bytes` in all.

    Less where the packages hold less; what was written is told. Of several `times` it is so much
    more: each text is there so often, with another line at its end each time.
    """
    chance = random.Random(11)
    found = list(_documents())
    chance.shuffle(found)
    chosen: list[str] = []
    size = 0
    for number, text in enumerate(found):
        if size > total_bytes:
            break
        whole = text if number % _ADDRESS_EVERY else f"{text}\n\n{_addresses(chance)}"
        copies = [whole] * (1 + (number % _COPY_EVERY == 0))
        chosen += copies
        size += sum(len(each.encode()) for each in copies)
    chosen += [f"{text}\n\nEdition {at} of it." for at in range(1, times) for text in chosen]
    chance.shuffle(chosen)
    return Corpus(len(chosen), sum(_write(folder, chosen, at, files) for at in range(files)))


def _addresses(chance: random.Random) -> str:
    name = "".join(chance.choices("abcdefghijklmnop", k=8))
    host = ".".join(str(chance.randrange(20, 90)) for _ in range(4))
    return f"Write to {name}@{name[:5]}.org or call upon the machine at {host} in the evening."


def _write(folder: Path, chosen: Sequence[str], at: int, files: int) -> int:
    path = folder / f"part-{at:02d}.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for number in range(at, len(chosen), files):
            row = {"id": f"doc-{number:07d}", "text": chosen[number]}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path.stat().st_size


def _documents() -> Iterator[str]:
    for number, (path, text) in enumerate(texts()):
        if path.suffix == ".po":
            made = "\n".join(_TRANSLATION.findall(text))
        elif number % _SOURCE_EVERY == 0:
            made = text
        else:
            made = _prose(_written(path.suffix, text))
        if len(made) >= _SHORTEST:
            yield made


def _written(suffix: str, text: str) -> Sequence[str]:
    """Return what people wrote for people in a file."""
    if suffix == ".py":
        return [inspect.cleandoc(found) for found in _DOCSTRING.findall(text)]
    if suffix in _COMMENTED:
        return [_COMMENT_MARK.sub("", found) for found in _COMMENT.findall(text)]
    return [_TAG.sub("", text) if suffix == ".html" else text]


def _prose(pieces: Sequence[str]) -> str:
    paragraphs = [each.strip() for piece in pieces for each in re.split(r"\n\s*\n", piece)]
    return "\n\n".join(dict.fromkeys(each for each in paragraphs if _is_prose(each)))


def _is_prose(paragraph: str) -> bool:
    letters = sum(each.isalpha() or each.isspace() for each in paragraph)
    return letters >= _LETTERS * len(paragraph) and len(paragraph.split()) >= _WORDS
