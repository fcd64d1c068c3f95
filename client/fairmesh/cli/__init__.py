"""The `fairmesh` command. Each module adds its verbs; docs/reference/cli.md lists them all."""

from fairmesh.cli import (
    access,
    audit,
    catalog,
    data,
    erasure,
    labels,
    placement,
    policies,
    session,
    transfers,
    work,
)
from fairmesh.cli.app import app

__all__ = [
    "access",
    "app",
    "audit",
    "catalog",
    "data",
    "erasure",
    "labels",
    "main",
    "placement",
    "policies",
    "session",
    "transfers",
    "work",
]


def main() -> None:
    """Run the command and leave the process with its exit code."""
    app()
