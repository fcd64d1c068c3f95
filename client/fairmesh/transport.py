"""HTTP to one mesh: typed errors from problem documents, pages, and careful retries."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from fairmesh.errors import FairmeshError, Unavailable, error_of

Json = dict[str, Any]
RETRY_DELAYS = (0.2, 0.6, 1.5, 3.0)
"""Seconds before each new attempt of a request that may safely be sent again."""


class Api:
    """Sends requests below `url` with the caller's token; never sends the token elsewhere."""

    def __init__(self, url: str, token: str = "", timeout: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self._http = httpx.Client(timeout=httpx.Timeout(timeout, connect=10.0))

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON at `path`; parameters that are None are left out."""
        asked = {key: value for key, value in params.items() if value is not None}
        # no parameters at all is None: an empty mapping would cut the query off a page's `next`
        return self.send("GET", path, params=asked or None).json()

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON answer. The same Idempotency-Key goes with every attempt."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        answer = self.send("POST", path, json=dict(body or {}), headers=headers)
        return answer.json() if answer.content else {}

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.send("PATCH", path, json=dict(body)).json()

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.send("PUT", path, json=dict(body)).json()

    def delete(self, path: str) -> None:
        self.send("DELETE", path)

    def pages(self, path: str, **params: Any) -> Iterator[Json]:
        """Yield every result of a list, page after page, as it is asked for."""
        page = self.get(path, **params)
        while True:
            yield from page["results"]
            if page.get("next"):
                page = self.get(page["next"])
            elif page.get("next_cursor"):
                page = self.get(path, **{**params, "cursor": page["next_cursor"]})
            else:
                return

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request, again while the platform is not available; raise typed errors."""

        def once() -> httpx.Response:
            headers = {**self.headers_for(self.address(path)), **request.get("headers", {})}
            return self._http.request(method, self.address(path), **{**request, "headers": headers})

        return retried(once)

    def send_stream(
        self, method: str, url: str, content: Iterator[bytes], headers: Mapping[str, str]
    ) -> httpx.Response:
        """Send a body of announced length once, and return the answer as it is."""
        own = {**self.headers_for(url), **headers}
        return self._http.request(method, url, content=content, headers=own)

    def stream(
        self, url: str, headers: Mapping[str, str]
    ) -> AbstractContextManager[httpx.Response]:
        """Return a context manager over a streamed GET of `url`, wherever it leads."""
        return self._http.stream(
            "GET", url, headers={**self.headers_for(url), **headers}, follow_redirects=False
        )

    def address(self, path: str) -> str:
        """Return the absolute address of an API path, or of an address as it is."""
        if urlsplit(path).scheme:
            return path
        if path.startswith(("/api/", "/.well-known/", "/n/", "/healthz", "/readyz")):
            return self.url + path
        return f"{self.url}/api/v1/{path.lstrip('/')}"

    def headers_for(self, url: str) -> dict[str, str]:
        """Return the headers for `url`: the token goes to the mesh alone."""
        own = _origin(url) == _origin(self.url)
        return {"Authorization": f"Bearer {self.token}"} if own and self.token else {}

    def absolute(self, url: str) -> str:
        return urljoin(self.url + "/", url)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def retried(once: Callable[[], httpx.Response]) -> httpx.Response:
    """Return the first answer that is not `unavailable`; raise the typed error of a bad one.

    What `once` sends must be safe to send again: a GET, a PUT, or a POST with an Idempotency-Key.
    """
    for delay in (*RETRY_DELAYS, None):
        try:
            return checked(once())
        except Unavailable:
            if delay is None:
                raise
        except httpx.TransportError as error:
            if delay is None or isinstance(error, httpx.UnsupportedProtocol | httpx.ConnectError):
                raise unreachable(error) from error
        time.sleep(delay)
    raise Unavailable("The platform does not answer.")


def unreachable(error: httpx.TransportError) -> Unavailable:
    where = error.request.url.copy_with(query=None) if error._request is not None else "the mesh"
    return Unavailable(f"No answer from {where}: {error or type(error).__name__}.")


def checked(answer: httpx.Response) -> httpx.Response:
    """Return a good answer; raise the typed error of a bad one."""
    if answer.status_code < 400:
        return answer
    raise problem_error(answer)


def problem_error(answer: httpx.Response) -> FairmeshError:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    return error_of(answer.status_code, problem if isinstance(problem, dict) else {})
