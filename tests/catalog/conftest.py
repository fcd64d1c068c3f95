"""What the catalog's tests share."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def static_files(settings: Any, tmp_path: Path) -> None:
    """The middleware of static files wants its folder to exist, even when it is empty."""
    settings.STATIC_ROOT = tmp_path
