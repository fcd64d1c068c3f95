"""The demonstration: a small mesh with real data, driven through the public interfaces alone."""

import sys
from pathlib import Path

# The client is a package of its own; here it is used from beside us, without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "client"))
