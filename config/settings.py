"""Django settings: what runs together. Every value that may differ is read in config.env."""

from __future__ import annotations

import gc
from pathlib import Path

from config import logs
from config.database import database_settings
from config.env import env
from governance.engine.entities import Action

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.secret_key
DEBUG = env.debug
ALLOWED_HOSTS = list(env.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [env.public_url] if env.public_url.startswith("https://") else []

# What is imported stays: the collector has nothing to find until `ConfigConfig.ready`.
gc.disable()

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.idp.oidc",
    "rest_framework",
    "drf_spectacular",
    "core",
    "governance",
    "catalog",
    "lineage",
    "movement",
    "transforms",
    "config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.api.middleware.RequestIdMiddleware",
    "config.metrics.MetricsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [BASE_DIR / "config" / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": database_settings(env.database_url)}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "governance_remembered",
        "KEY_FUNCTION": "core.remembered.remembered_as",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "governance.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Signing in: allauth's flows, our decisions (governance.api.accounts). Nobody signs up.
AUTHENTICATION_BACKENDS = ["governance.services.sessions.PeopleBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
CSRF_FAILURE_VIEW = "core.api.problems.csrf_failure"
ACCOUNT_ADAPTER = "governance.api.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_UNIQUE_EMAIL = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
MFA_ADAPTER = "governance.api.accounts.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not env.public_url.startswith("https://")
MFA_FORMS = {
    "authenticate": "governance.api.accounts.CountedAuthenticateForm",
    "reauthenticate": "governance.api.accounts.CountedReauthenticateForm",
    "login_webauthn": "governance.api.accounts.NotedPasskeyForm",
}
SOCIALACCOUNT_ADAPTER = "governance.api.accounts.ProviderAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "SCOPE": ["openid", "profile"],
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "sso",
                "name": env.oidc_name,
                "client_id": env.oidc_client_id,
                "secret": env.oidc_client_secret,
                "settings": {"server_url": env.oidc_issuer},
            }
        ]
        if env.oidc_issuer
        else [],
    }
}
IDP_OIDC_ADAPTER = "governance.api.accounts.IssuerAdapter"
IDP_OIDC_USERINFO_ENDPOINT = f"{env.public_url}/api/v1/me"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = env.home / "static"
PORTAL_DIST = BASE_DIR / "frontend" / "dist"
STATICFILES_DIRS = [PORTAL_DIST] if PORTAL_DIST.is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# The portal's build puts a digest into each of these names: a browser keeps them for good.
WHITENOISE_IMMUTABLE_FILE_TEST = r"/static/assets/.+-[\w-]{8}\.\w+$"

# The portal and the API share one origin; a session cookie never leaves it.
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
_https = env.public_url.startswith("https://")
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
# TLS ends at the proxy in front, which says so in a header; probes come to us directly
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.api.authentication.BearerAuthentication",
        "governance.api.authentication.SessionPrincipalAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [],  # every view asks the one decision point, see governance
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.NewestFirst",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.FairmeshSchema",
    "EXCEPTION_HANDLER": "governance.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is a filter of search, and all answers are JSON
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Fairmesh",
    "DESCRIPTION": "The data mesh that acts.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "AccessRequestState": "governance.models.RequestState",
        "Action": [str(action) for action in Action],
        "ErasureKind": "governance.models.erasure.ErasureKind",
        "ErasureOrderState": "governance.models.erasure.OrderState",
        "FindingVerdict": ["confirm", "reject"],
        "GrantKind": "governance.models.GrantKind",
        "ItemVerdict": "governance.models.ItemVerdict",
        "LabelOrigin": "governance.models.LabelOrigin",
        "PolicyKind": "governance.models.PolicyKind",
        "PolicyState": "governance.models.PolicyState",
        "PortSubscriptionState": "governance.models.SubscriptionState",
        "PrincipalKind": "governance.models.PrincipalKind",
        "ReplicaState": "movement.models.ReplicaState",
        "ReviewVerdict": "governance.models.ReviewVerdict",
        "RunState": "transforms.models.RunState",
        "ScanState": "governance.models.ScanState",
        "ScrubState": "movement.models.ScrubState",
        "SiteKind": "movement.models.SiteKind",
        "SiteState": "movement.models.SiteState",
        "StorageTier": "movement.models.StorageTier",
        "StoreKind": "movement.models.StoreKind",
        "TransferState": "movement.models.TransferState",
    },
}

FAIRMESH = env
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
LOGGING = logs.LOGGING
