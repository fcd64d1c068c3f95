"""Signing in and its security as pages, and the provider of tokens for machines.

Of allauth's addresses those that Fairmesh has a use for: nothing here sends mail.
"""

from __future__ import annotations

from allauth.account import views as account
from allauth.idp.oidc import views as provider
from allauth.socialaccount.providers.openid_connect import urls as openid_connect
from django.urls import include, path

from governance.api import identity_views

_accounts = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("signup/", account.signup, name="account_signup"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sso/", include("allauth.socialaccount.urls")),
    path("", include(openid_connect)),
    path("sessions/", include("allauth.usersessions.urls")),
]
urlpatterns = [
    path("accounts/", include(_accounts)),
    path("identity/o/api/token", identity_views.token),
    path("identity/o/api/device/code", identity_views.device_code),
    path("identity/o/api/revoke", identity_views.revoke),
    path("identity/o/device", identity_views.device_authorization),
    path(".well-known/oauth-authorization-server", provider.configuration),
    path("", include("allauth.idp.urls")),
]
