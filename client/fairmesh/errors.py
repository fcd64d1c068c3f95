"""What can go wrong, as types. Each carries the exit code that the command line ends with.

The server's problem documents (RFC 9457) become these by their status; the `code` of the document
stays on the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, ClassVar


class Exit(IntEnum):
    """Exit codes of the `fairmesh` command. They never change their meaning."""

    OK = 0
    ERROR = 1
    USAGE = 2
    DENIED = 3
    UNVERIFIED = 4
    PENDING = 5
    NOT_FOUND = 6
    UNAVAILABLE = 7


class FairmeshError(Exception):
    """A failure; `detail` is for people, `code` and `problem` are for programs."""

    exit_code: ClassVar[Exit] = Exit.ERROR
    default_code: ClassVar[str] = "error"

    def __init__(self, detail: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problem: dict[str, Any] = dict(problem or {})
        self.code: str = str(self.problem.get("code", self.default_code))

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints for this failure."""
        return {
            **self.problem,
            "code": self.code,
            "detail": self.detail,
            "exit": int(self.exit_code),
        }


class UsageError(FairmeshError):
    """The call itself makes no sense: a path is missing, an option contradicts another."""

    exit_code = Exit.USAGE
    default_code = "usage"


class Invalid(FairmeshError):
    """The server refuses what was sent; `problem["errors"]` may say where it is wrong."""

    default_code = "invalid"


class Conflict(FairmeshError):
    """The request is sound but the state of the thing does not allow it now."""

    default_code = "conflict"


class NotAuthenticated(FairmeshError):
    """There is no token, or it is unknown, revoked or expired."""

    exit_code = Exit.DENIED
    default_code = "not_authenticated"


class Denied(FairmeshError):
    """A policy says no."""

    exit_code = Exit.DENIED
    default_code = "policy_denied"

    @property
    def policies(self) -> list[str]:
        """The policies that decided; empty when none permitted."""
        return [str(policy) for policy in self.problem.get("policies") or []]

    @property
    def requestable(self) -> str | None:
        """The name that access can be asked for, or None when asking would not help."""
        name = self.problem.get("name")
        return str(name) if name and self.problem.get("request_access") else None


class Pending(FairmeshError):
    """Somebody or something else has to act first: an approval, a transfer, a run."""

    exit_code = Exit.PENDING
    default_code = "pending"


class NotFound(FairmeshError):
    """There is no such thing, or the caller may not know of it."""

    exit_code = Exit.NOT_FOUND
    default_code = "not_found"


class Unavailable(FairmeshError):
    """The platform or a store does not answer; the same command may succeed later."""

    exit_code = Exit.UNAVAILABLE
    default_code = "unavailable"


class VerificationFailed(FairmeshError):
    """Bytes, a signature or a name are not what the trust anchor vouches for."""

    exit_code = Exit.UNVERIFIED
    default_code = "verification_failed"


class AnchorChanged(VerificationFailed):
    """The mesh shows another trust anchor than the one that was remembered."""

    default_code = "anchor_changed"


_BY_STATUS: Mapping[int, type[FairmeshError]] = {
    401: NotAuthenticated,
    403: Denied,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def error_of(status: int, problem: Mapping[str, Any]) -> FairmeshError:
    """Return the typed error of an HTTP status and its problem document."""
    detail = str(problem.get("detail") or problem.get("title") or f"The server answered {status}.")
    if status in _BY_STATUS:
        return _BY_STATUS[status](detail, problem)
    return (Invalid if 400 <= status < 500 else FairmeshError)(detail, problem)
