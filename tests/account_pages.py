"""What the pages of /accounts/ and the endpoints of /identity/ ask, for the table of stances."""

from __future__ import annotations

_FORM = "get post put"  # Django's form views take a PUT for a POST
_OWN = "the caller's own, of their session alone"
_AGAIN = "the caller's own, who has proved it again within five minutes"
_CHOICES: dict[str, tuple[str, str]] = {
    "/accounts/login/": (_FORM, "public: signs in by a password, counted"),
    "/accounts/logout/": ("get post", "ends the caller's own session"),
    "/accounts/inactive/": ("get", "public: says that one was put out"),
    "/accounts/signup/": (_FORM, "public: says that nobody signs up"),
    "/accounts/reauthenticate/": (_FORM, "the caller's own password, counted"),
    "/accounts/password/change/": (_FORM, _OWN),
    "/accounts/sessions/": (_FORM, _OWN),
    "/accounts/sso/": (_FORM, _OWN),
    "/accounts/sso/signup/": (_FORM, "public: nothing; no sign-up waits there"),
    "/accounts/sso/login/cancelled/": ("get", "public: a page"),
    "/accounts/sso/login/error/": ("get", "public: a page"),
    "/accounts/oidc/^(?P<provider_id>[^/]+)/login/": ("get", "public: to the provider"),
    "/accounts/oidc/^(?P<provider_id>[^/]+)/login/callback/": ("get", "the provider's word"),
    "/accounts/2fa/": ("get", _OWN),
    "/accounts/2fa/authenticate/": ("get post", "a second factor, counted, after a password"),
    "/accounts/2fa/reauthenticate/": (_FORM, "the caller's own second factor, counted"),
    "/accounts/2fa/totp/activate/": (_FORM, _AGAIN),
    "/accounts/2fa/totp/deactivate/": (_FORM, _AGAIN),
    "/accounts/2fa/recovery-codes/": ("get", _AGAIN),
    "/accounts/2fa/recovery-codes/download/": ("get", _AGAIN),
    "/accounts/2fa/recovery-codes/generate/": (_FORM, _AGAIN),
    "/accounts/2fa/webauthn/": ("get", _OWN),
    "/accounts/2fa/webauthn/add/": (_FORM, _AGAIN),
    "/accounts/2fa/webauthn/login/": (_FORM, "public: signs in by a passkey"),
    "/accounts/2fa/webauthn/reauthenticate/": (_FORM, "the caller's own passkey"),
    "/accounts/2fa/webauthn/keys/<int:pk>/edit/": (_FORM, _AGAIN),
    "/accounts/2fa/webauthn/keys/<int:pk>/remove/": ("get post delete", _AGAIN),
    "/identity/o/api/token": ("get post", "a client's secret or a device's code, counted"),
    "/identity/o/api/device/code": ("get post", "public: begins what a person must confirm"),
    "/identity/o/api/revoke": ("get post", "a client's secret, and the token itself"),
    "/identity/o/device": ("get", "the caller's own session, and their yes"),
    "/identity/o/authorize": (_FORM, "public: an error; no client has the browser flow"),
    "/identity/o/logout": (_FORM, "ends the caller's own session"),
    "/.well-known/jwks.json": ("get", "public: no keys; no ID tokens are issued"),
    "/.well-known/openid-configuration": ("get", "public: where machines get tokens"),
    "/.well-known/oauth-authorization-server": ("get", "public: the same"),
}
ACCOUNT_PAGES: dict[str, str] = {
    f"{method.upper()} {page}": why
    for page, (methods, why) in _CHOICES.items()
    for method in methods.split()
}
