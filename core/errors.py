"""The one root of errors: each says what was wrong, where, and what to do next.

Every error has a stable `code`. The code is its address in the documentation
(`docs/reference/problems.md`) and the `type` of the RFC 9457 document it becomes in HTTP.
"""

from __future__ import annotations

from typing import Any, ClassVar


class FairmeshError(Exception):
    """A failure a caller can act on.

    `detail` is for people; `extra` is for programs and must hold JSON values only, and never a
    secret.
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something failed on our side"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra

    def as_problem(self) -> dict[str, Any]:
        """Return the RFC 9457 members of this error. Source: RFC 9457 section 3."""
        return {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.extra,
        }


class Invalid(FairmeshError):
    """The request breaks a rule that the caller can read and mend."""

    code = "invalid"
    title = "The request is not valid"
    status = 422


class InvalidName(Invalid):
    """A name is not in the grammar of DESIGN.md section 3."""

    code = "invalid_name"
    title = "The name is not valid"


class DigestMismatch(Invalid):
    """Bytes do not hash to the digest that was promised for them."""

    code = "digest_mismatch"
    title = "The bytes do not match their digest"


class UploadIncomplete(Invalid):
    """The body ended before its announced length; nothing was kept."""

    code = "upload_incomplete"
    title = "The upload ended too early"
    status = 400


class InvalidSpec(Invalid):
    """A document (pipeline, policy, contract) breaks its schema; `extra["errors"]` lists where."""

    code = "invalid_spec"
    title = "The document is not valid"


class MalformedQuestion(Invalid):
    """A question to the decision point lacks a part; its standard asks for the status 400."""

    code = "malformed_question"
    title = "The question is not complete"
    status = 400


class NotAuthenticated(FairmeshError):
    """No principal could be established."""

    code = "not_authenticated"
    title = "Sign in first"
    status = 401


class MfaRequired(NotAuthenticated):
    """The password is right and a second factor is due; `extra["methods"]` says which there are."""

    code = "mfa_required"
    title = "A second factor is needed"


class TokenExpired(NotAuthenticated):
    """The token was good once."""

    code = "token_expired"
    title = "The token has expired"


class CsrfFailed(FairmeshError):
    """A write by session cookie came without the token that proves it is the portal's own."""

    code = "csrf_failed"
    title = "The request does not prove that it comes from the portal"
    status = 403


class TooManyAttempts(FairmeshError):
    """Too many wrong passwords; `extra["retry_after"]` says for how many seconds to wait."""

    code = "too_many_attempts"
    title = "Too many attempts"
    status = 429


class PolicyDenied(FairmeshError):
    """A policy says no; `extra` carries the policies that decided and the way forward."""

    code = "policy_denied"
    title = "A policy does not allow this"
    status = 403


class PurposeRequired(PolicyDenied):
    """The data may be read for some purposes only; `extra["purposes"]` lists them."""

    code = "purpose_required"
    title = "The data may be read for certain purposes only"


class ObligationApplies(PolicyDenied):
    """The bytes may not be had as they lie; `extra["rows_url"]` gives the rows as they may be."""

    code = "obligation_applies"
    title = "The data may be read as a masked stream only"


class ObligationUnmet(PolicyDenied):
    """A mask or a row filter that the reader is kept to cannot be applied, so nothing is shown."""

    code = "obligation_unmet"
    title = "An obligation cannot be met"


class NotFound(FairmeshError):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"
    title = "Not found"
    status = 404


class Conflict(FairmeshError):
    """The request is sound but the state of the thing does not allow it now."""

    code = "conflict"
    title = "The state does not allow this now"
    status = 409


class IdempotencyConflict(Conflict):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_conflict"
    title = "The idempotency key was used for another request"


class UnderLegalHold(Conflict):
    """A legal hold forbids any removal; `extra["holds"]` names the cases."""

    code = "under_legal_hold"
    title = "A legal hold stands in the way"


class Gone(FairmeshError):
    """It was here, it was removed on purpose, and its metadata is kept."""

    code = "gone"
    title = "Removed"
    status = 410


class StoreUnavailable(FairmeshError):
    """A store does not answer; the work is kept and tried again."""

    code = "store_unavailable"
    title = "A store is not available"
    status = 503
    stalled = False
    """It was waited for as long as one waits, and nothing moved."""


class StoreRefused(FairmeshError):
    """A store answers and says no: mend its credentials, its bucket or its policy."""

    code = "store_refused"
    title = "A store refuses the request"
    status = 502


class ObjectLocked(StoreRefused):
    """A store keeps an object from everyone until a time, or under a hold of its own."""

    code = "object_locked"
    title = "An object is locked in its store"
    status = 409


class ObjectMissing(FairmeshError):
    """A store does not hold an object that it should hold."""

    code = "object_missing"
    title = "An object is missing from a store"
    status = 404


class IntegrityBroken(FairmeshError):
    """Stored bytes no longer match the sealed manifest."""

    code = "integrity_broken"
    title = "Stored data does not match its seal"
    status = 500


class TooBusy(FairmeshError):
    """The database could not take the write now; the same request may be sent again."""

    code = "too_busy"
    title = "Busy; try again"
    status = 503


class NamingRefused(Invalid):
    """A naming policy does not allow it; `extra["rules"]` says which, where and what would do."""

    code = "naming_refused"
    title = "A naming policy does not allow this"


class PolicyTestsFailed(InvalidSpec):
    """The tests that a policy carries do not come true; `extra["errors"]` lists them."""

    code = "policy_tests_failed"
    title = "The policy's own tests fail"


class SecondPersonNeeded(Conflict):
    """Somebody other than those who wrote the policy must approve it."""

    code = "second_person_needed"
    title = "A second person must approve this"


class TooManyStreams(FairmeshError):
    """No more events can be streamed now; `extra["retry_after"]` says when to ask again."""

    code = "too_many_streams"
    title = "Too many streams of events"
    status = 503
