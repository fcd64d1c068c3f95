"""The platform under the demonstration: one that runs already, or one that is started here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile

import httpx

REPOSITORY = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0
STOP_SECONDS = 45.0
TOKENIZER = "deepseek"
OPERATOR = "admin"


def home() -> Path:
    """Return the folder that holds all state, as the platform itself reads it."""
    return Path(os.environ.get("FAIRMESH_HOME") or REPOSITORY / ".fairmesh").resolve()


def address() -> str | None:
    """Return where the platform of this home is, or None while none is up."""
    try:
        told = json.loads((home() / "run" / "up.json").read_text())
    except (FileNotFoundError, ValueError):
        return os.environ.get("FAIRMESH_PUBLIC_URL")
    return str(told["url"])


@contextmanager
def running() -> Iterator[str]:
    """Yield the address of a platform that is ready; stop it afterwards if it was started here."""
    if url := _ready():
        yield url
        return
    log = home() / "demo-up.log"
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield _wait_until_ready(process, log)
        finally:
            _stop(process)


def _ready() -> str | None:
    """Return the address of a platform that is ready, or None."""
    url = address()
    try:
        if url and httpx.get(f"{url}/readyz", timeout=5.0).status_code == 200:
            return url
    except httpx.TransportError:
        pass
    return None


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not (url := _ready()):
        if process.poll() is not None:
            raise SystemExit(f"The platform ended while it started; see {log}.")
        if time.monotonic() > deadline:
            raise SystemExit(f"The platform was not ready after {START_SECONDS:g} s; see {log}.")
        time.sleep(0.3)
    return url


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the platform and what it started; by force only when it does not end by itself."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def install_tokenizer(folder: Path) -> str:
    """Put the tokenizer that the `litellm` wheel carries where the platform looks; its name."""
    package = find_spec("litellm")
    if package is None or package.origin is None:
        raise SystemExit("The demonstration needs the package litellm, for its tokenizer file.")
    source = Path(package.origin).parent
    target = folder / TOKENIZER
    target.mkdir(parents=True, exist_ok=True)
    if not (target / "tokenizer.json").exists():
        carried = source / "litellm_core_utils" / "tokenizers" / f"{TOKENIZER}_tokenizer.json"
        copyfile(carried, target / "tokenizer.json")
        for licence in sorted(source.parent.glob("litellm-*.dist-info/**/LICENSE*")):
            copyfile(licence, target / licence.name)
    return TOKENIZER


def operator_password() -> str:
    """Return the first operator's password, which the platform wrote for its owner to read."""
    return (home() / "admin-password").read_text().strip()
