"""Checks of what a pattern has found: checksums, number ranges, plausible lengths.

Each takes the text and where the pattern matched in it; a match is true only when the check holds.
Source: ISO/IEC 7812-1 (Luhn), ISO 13616-1 (IBAN, mod 97), SSA POMS RM 10201.035 (areas of SSNs).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

Check = Callable[[str, "re.Match[str]"], bool]

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24,
    "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31,
    "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23,
    "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
_SEPARATORS = " -"
_DIGITS = re.compile(r"[0-9]")
_DATE = re.compile(r"(?:19|20)[0-9]{2}[-./ ][01]?[0-9][-./ ][0-3]?[0-9]")
_SSN = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")
_ZIP = re.compile(r"[0-9]{5}-[0-9]{3,4}")
_YEARS = re.compile(r"(?:19|20)[0-9]{2}[ -](?:19|20)[0-9]{2}")
_DOTTED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_OTHERS = (_SSN, _ZIP, _YEARS, _DOTTED)


def luhn(digits: str) -> bool:
    """Say whether the last digit is the check digit of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mod97(iban: str) -> bool:
    """Say whether an IBAN without separators, in capitals, has its check digits right."""
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def _digits(match: re.Match[str]) -> str:
    return "".join(_DIGITS.findall(match[0]))


def card(text: str, match: re.Match[str]) -> bool:
    """A number of a card scheme's range and length whose check digit is right."""
    digits = _digits(match)
    return _is_issued(digits) and len(set(digits)) > 1 and luhn(digits)


def _is_issued(digits: str) -> bool:
    first, two, three, four = (int(digits[:n]) for n in (1, 2, 3, 4))
    length = len(digits)
    if first == 4:
        return length in {13, 16, 19}
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return length == 16
    if two in {34, 37}:
        return length == 15
    if two == 35 or four in {1800, 2131}:
        return length in {15, 16}
    if 300 <= three <= 305 or two in {36, 38, 39}:
        return 14 <= length <= 19
    if four == 6011 or two in {62, 64, 65}:
        return 16 <= length <= 19
    return two in {50, 56, 57, 58, 63, 67, 68, 69} and 12 <= length <= 19


def iban(text: str, match: re.Match[str]) -> bool:
    """A country's length, nothing of a word behind it, and check digits that are right."""
    wanted = IBAN_LENGTHS.get(match[0][:2].upper())
    if wanted is None:
        return False
    found: list[str] = []
    at = match.start()
    while at < len(text) and len(found) < wanted:
        char = text[at]
        if char.isascii() and char.isalnum():
            found.append(char.upper())
        elif char not in _SEPARATORS:
            return False
        at += 1
    ends = at >= len(text) or not text[at].isalnum()
    return ends and len(found) == wanted and mod97("".join(found))


def ssn(text: str, match: re.Match[str]) -> bool:
    """An area, a group and a serial number that are given out."""
    area, group, serial = match[0].split("-")
    issued = area not in {"000", "666"} and area < "900"
    return issued and group != "00" and serial != "0000"


def phone(text: str, match: re.Match[str]) -> bool:
    """As many digits as a telephone number has, and not a date, years, a ZIP or an SSN."""
    digits = _digits(match)
    if not 8 <= len(digits) <= 15 or len(set(digits)) < 3:
        return False
    return not (_DATE.match(match[0]) or any(each.fullmatch(match[0]) for each in _OTHERS))


def address(text: str, match: re.Match[str]) -> bool:
    """An IP address that can be somebody's: no loopback, no network mask, no broadcast."""
    try:
        found = ipaddress.ip_address(match[0])
    except ValueError:
        return False
    if found.version == 4 and found.packed[:1] == b"\xff":
        return False
    return not (found.is_unspecified or found.is_loopback or found.is_multicast)


def not_an_example(text: str, match: re.Match[str]) -> bool:
    """A key that is not one of those that documentation prints."""
    return not match[0].upper().endswith(("EXAMPLE", "EXAMPLEKEY"))
