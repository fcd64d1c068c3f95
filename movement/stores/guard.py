"""Connections to hosts that somebody else runs: every address is looked at before it is used.

A name that an operator typed, or that its owner points elsewhere later, must not lead to services
of our own network. The address that was looked at is the one that is connected to, so a name that
answers differently the second time gains nothing. Source: OWASP, Server-Side Request Forgery.
"""

from __future__ import annotations

import ipaddress
import socket

from core.errors import StoreRefused, StoreUnavailable

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_allowed(text: str, *, private: bool) -> bool:
    """Say whether a store may be at this address; `private` allows those of our own network.

    Link-local ones are refused whatever is allowed: clouds serve credentials there.
    """
    address = _inner(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return private or address.is_global


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one leads to, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def connect(host: str, port: int, seconds: float, *, private: bool) -> socket.socket:
    """Return a connection to one of the allowed addresses of a host.

    Raises StoreRefused when it has none, StoreUnavailable when none of them answers.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise StoreUnavailable(f"The host {host} is not found: {error}.") from error
    addresses = [str(where[0]) for *_, where in found]
    allowed = [text for text in addresses if is_allowed(text, private=private)]
    if not allowed:
        raise StoreRefused(
            f"{host} is in a private network. If it is meant to be, set "
            "FAIRMESH_PRIVATE_HTTP_STORES=true."
        )
    failure: OSError | None = None
    for text in allowed:
        try:
            return socket.create_connection((text, port), seconds)
        except OSError as error:
            failure = error
    raise StoreUnavailable(f"Could not connect to {host}: {failure}.") from failure
