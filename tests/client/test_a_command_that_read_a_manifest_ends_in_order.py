"""A process that ended while threads of Arrow still ran was aborted, its work done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config.env import REPOSITORY
from core.files import FileEntry
from core.manifest import build

PROGRAMS = {
    "the client": "from fairmesh.manifest import _read\n_read(data, digest)",
    "the platform": "from core.manifest import read_shard\nlist(read_shard(data, digest))",
}

AT_ONCE = 12


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_ends_with_zero_each_time(program: str, tmp_path: Path) -> None:
    entries = [FileEntry(f"{at}.bin", 1, "0" * 64, "text/plain") for at in range(5)]
    (shard,) = build(entries).shards
    (tmp_path / "shard").write_bytes(shard.data)
    code = f"""
import sys
data, digest = open({str(tmp_path / "shard")!r}, "rb").read(), {str(shard.digest)!r}
{PROGRAMS[program]}
"""
    environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'client'}"}
    # at once, since it was where processes waited for each other that one in eight was aborted
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE)
        for _ in range(AT_ONCE)
    ]
    ended = [(each.communicate()[1], each.returncode) for each in started]
    assert ended == [(b"", 0)] * AT_ONCE
