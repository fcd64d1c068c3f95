"""A pipeline with every kind of barrier gives the bytes it gave, whoever works and on what day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from config.env import REPOSITORY
from tests.transforms.all_barriers import KNOWN, PYARROW, TOKENIZER, made_here
from transforms.engine.encoders import TokenizerFile

OTHER_DAY = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

static const long SHIFT = 500L * 86400;

int clock_gettime(clockid_t which, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(which, now);
    if (!failed && which == CLOCK_REALTIME) now->tv_sec += SHIFT;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec fine;
    int failed = clock_gettime(CLOCK_REALTIME, &fine);
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *now) {
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    if (now) *now = fine.tv_sec;
    return fine.tv_sec;
}
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_one_worker_and_two_make_what_is_known(
    resolver: Callable[[str], TokenizerFile], threads: int
) -> None:
    assert made_here(resolver, threads) == KNOWN, f"pyarrow was {PYARROW}, is {version('pyarrow')}"


def test_the_reference_alone_makes_the_same(resolver: Callable[[str], TokenizerFile]) -> None:
    assert made_here(resolver, engines=()) == KNOWN


def test_on_another_day_in_another_place_it_is_the_same(
    resolver: Callable[[str], TokenizerFile], tmp_path: Path
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no compiler here: the clock is of the kernel, and its interface is C")
    (tmp_path / "day.c").write_text(OTHER_DAY)
    library = tmp_path / "day.so"
    source = str(tmp_path / "day.c")
    made = [compiler, "-shared", "-fPIC", "-o", str(library), source, "-ldl"]
    subprocess.run(made, check=True)
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_bytes(resolver(TOKENIZER).data)
    ran = subprocess.run(
        [sys.executable, "-m", "tests.transforms.all_barriers", str(tokenizer)],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "LD_PRELOAD": str(library),
            "PYTHONHASHSEED": "77",
            "PYTHONPATH": str(REPOSITORY),
            "TZ": "Pacific/Chatham",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    told, zone, digest = ran.stdout.split()
    assert int(told) - time.time() > 499 * 86400, "the clock is that of another day"
    assert zone != time.tzname[0]
    assert digest == KNOWN
