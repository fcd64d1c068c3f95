"""Real servers for tests: one SeaweedFS a session, on loopback ports of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.servers import S3Server, free_ports, s3_server

__all__ = ["S3Server", "free_ports", "s3", "s3_server"]


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """The one S3 server of the session; take `s3.store()` for a new bucket."""
    with s3_server(volumes=1) as server:  # each test has a bucket of its own
        yield server
