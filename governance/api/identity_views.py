"""Where machines ask for tokens: allauth's endpoints, counted, with our scopes and our tokens.

Source: RFC 6749 section 4.4 (client credentials), RFC 8628 (device flow), RFC 7009 (revocation).
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from allauth.idp.oidc import views as provider
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from core.errors import FairmeshError, NotAuthenticated, TooManyAttempts
from governance.api.accounts import address_of
from governance.services import clients, sessions, tokens

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_LONGEST_WHO = 150
_GUESSES = frozenset({"invalid_client", "invalid_grant"})
"""The answers that a wrong secret or a made-up code gets."""


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """Issue a token for client credentials or a device that its person has said yes to."""
    if refused := _throttled(request):
        return refused
    asked = _take_scope(request)
    answer: HttpResponse = provider.token(request)
    if answer.status_code != 200:
        _note(request, answer)
        return answer
    body = json.loads(answer.content)
    device_code = ""
    if request.POST.get("grant_type") == DEVICE_GRANT:
        device_code = request.POST["device_code"]
    try:
        made, secret = clients.exchange(body["access_token"], asked=asked, device_code=device_code)
    except NotAuthenticated as error:
        return _error("invalid_client", error.detail, 401)
    except FairmeshError as error:
        return _error("invalid_scope", error.detail, 400)
    seconds = round((made.expires_at - made.created_at).total_seconds())
    told = {"access_token": secret, "token_type": "Bearer", "expires_in": seconds}
    return _uncached(JsonResponse({**told, "scope": tokens.write_scopes(made.scopes)}))


@csrf_exempt
@require_POST
def device_code(request: HttpRequest) -> HttpResponse:
    """Begin the device flow: give the device a code to wait with and one to show."""
    if refused := _throttled(request):
        return refused
    asked = _take_scope(request)
    try:
        tokens.read_scopes(asked)
    except FairmeshError as error:
        return _error("invalid_scope", error.detail, 400)
    clients.ensure_device_client()
    answer: HttpResponse = provider.device_code(request)
    if answer.status_code == 200:
        body = json.loads(answer.content)
        clients.remember_device(
            body["device_code"], body["user_code"], asked, int(body["expires_in"])
        )
    else:
        _note(request, answer)
    return answer


@csrf_protect
def device_authorization(request: HttpRequest) -> HttpResponse:
    """Ask the person, who sees what the device could do. allauth checks no CSRF here; we do."""
    code = request.GET.get("code", "")
    request.asked_scopes = clients.asked_by_device(code) if code else None  # type: ignore[attr-defined]  # for the page
    answer: HttpResponse = provider.device_authorization(request)
    return answer


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """Revoke a token that this client was given; the same answer whether or not there is one."""
    if refused := _throttled(request):
        return refused
    answer: HttpResponse = provider.revoke(request)
    if answer.status_code == 200:
        tokens.revoke_by_secret(request.POST.get("token", ""), _client_id(request))
    else:
        _note(request, answer)
    return answer


def _take_scope(request: HttpRequest) -> str:
    """Return the scope asked for, and hide it from allauth, which knows one scope alone."""
    fields: QueryDict = request.POST.copy()
    asked = fields.pop("scope", [""])
    request.POST = fields  # type: ignore[assignment]  # a QueryDict of ours in the place of Django's
    return str(asked[-1])


def _client_id(request: HttpRequest) -> str:
    """Return who the caller claims to be: of Basic authentication, or of the form."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(encoded).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return str(request.POST.get("client_id", ""))


def _who(request: HttpRequest) -> str:
    return f"client {_client_id(request)}"[:_LONGEST_WHO].replace("\0", "")


def _throttled(request: HttpRequest) -> HttpResponse | None:
    try:
        sessions.refuse_guessing(_who(request), address_of(request))
    except TooManyAttempts as error:
        answer = _error("temporarily_unavailable", error.detail, error.status)
        answer["Retry-After"] = str(error.extra["retry_after"])
        return answer
    return None


def _note(request: HttpRequest, answer: HttpResponse) -> None:
    """Count a wrong secret or code; a device that waits for its person is not guessing."""
    try:
        error: Any = json.loads(answer.content).get("error")
    except ValueError:
        error = None
    if error in _GUESSES:
        sessions.note_attempt(_who(request), address_of(request), "credential", right=False)


def _error(code: str, detail: str, status: int) -> HttpResponse:
    """Return an error in the form of RFC 6749 section 5.2, which these clients read."""
    return _uncached(JsonResponse({"error": code, "error_description": detail}, status=status))


def _uncached(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "no-store"
    return answer
