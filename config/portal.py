"""The portal: its one page for every address that nothing else answers.

The built files lie below /static/ and are served by WhiteNoise; here only their entry is.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import require_safe

from core.api.problems import problem_response
from core.errors import NotFound

NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Fairmesh: the portal is not built</title></head>
<body>
<main>
<h1>The portal is not built</h1>
<p>Run <code>make portal</code> and load this page again. The API works without it.</p>
</main>
</body>
</html>
"""
_OURS = ("/api/", "/access/", "/static/", "/favicon.ico")
"""What begins so is no page of the portal. Browsers ask for the last by themselves, at any moment:
a page in answer would bring a cookie with it, and spoil the form that is open."""


@csrf_exempt  # nothing is written here, and an address that is none has one answer for everyone
def portal(request: HttpRequest) -> HttpResponse:
    """Answer with the portal's page, which routes by itself; never for an API or static address."""
    if request.path.startswith(_OURS):
        return problem_response(NotFound("There is nothing at this address."))
    return _page(request)


@require_safe
@ensure_csrf_cookie
def _page(request: HttpRequest) -> HttpResponse:
    del request
    page = Path(settings.PORTAL_DIST) / "index.html"
    try:
        response = HttpResponse(page.read_bytes())
    except FileNotFoundError:
        response = HttpResponse(NOT_BUILT, status=503)
    response["Cache-Control"] = "no-cache"
    return response
