"""The detectors: what they look for, how a find is checked, and from when on it makes a label.

`look` is RE2 over whole columns and may find too much, never too little; `find` says exactly what
a match is, and `check` whether it is true. Without a `check`, `look` alone decides.
They are given folded text (`folding`), in which full-width letters and digits are those of ASCII.
A change of what matches raises the version; its first number is what verdicts are about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from governance.engine.scan import validators
from governance.engine.scan.validators import Check


@dataclass(frozen=True, slots=True)
class Threshold:
    """A label needs all of these: so many matches, a share of the values, of the candidates."""

    matches: int = 1
    rate: float = 0.0
    """Least share of a column's values that match."""
    share: float = 0.0
    """Least share of the values which look right that are right: random digits pass a checksum
    one time in ten."""
    hinted_rate: float = 0.0
    """In the place of `rate` where the column's name says the same."""


@dataclass(frozen=True, slots=True)
class Detector:
    id: str
    label: str
    version: str
    look: str
    find: re.Pattern[str]
    check: Check | None = None
    threshold: Threshold = Threshold()
    hint: re.Pattern[str] | None = None

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def is_hinted_by(self, column: str) -> bool:
        return self.hint is not None and self.hint.search(column.lower()) is not None

    def matches(self, text: str) -> bool:
        """Say whether a folded text holds a match: the exact word on what `look` lets through."""
        check = self.check
        if check is None:
            return self.find.search(text) is not None
        return any(check(text, match) for match in self.find.finditer(text))


def _secret(name: str, pattern: str, check: Check | None = None) -> Detector:
    return Detector(f"secret.{name}", f"secret:{name}", "1.1", pattern, re.compile(pattern), check)


_LETTERS = (
    "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u060b\u060d-\u061a\u061c-\u061e"
    "\u0620-\u06d3\u06d5-\u0963\u0966-\u1fff\u200c\u200d\u2c00-\u2dff"
    "\u3005-\u3007\u3031-\u3035\u3041-\u318f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ua4cf"
    "\ua500-\ud7ff\uf900-\ufdcf\ufdf0-\ufdff\ufe20-\ufe2f\ufe70-\ufefc\U00010000-\U000e01ef"
)
"""Letters of all scripts and the marks on them, by blocks of Unicode: RE2 and Python have no other
name for them in common. Commas and full stops of Arabic and Hindi, which stand amid, are not."""
_NAME = r"(?:[^\s@\"'(),:;<>\[\]\\]|\"[^\"\r\n]*\")"
"""The last character of a name, or all of one in quotes. Source: RFC 5321 section 4.1.2."""
_TOP = rf"(?:xn--[A-Za-z0-9-]{{1,59}}|[A-Za-z]{{2,24}}|[{_LETTERS}]{{2,24}})"
"""ASCII first: what stands behind it without a space, in scripts that have none, is not of it."""
_DOMAIN = rf"@(?:[{_LETTERS}0-9-]+\.)+"
_EMAIL = _NAME + _DOMAIN + _TOP
_LIKE_EMAIL = rf"{_NAME}{_DOMAIN}[{_LETTERS}]{{2}}"
"""Matches the same texts, though not all of the address: every count more makes RE2 slower."""

PERSONAL: tuple[Detector, ...] = (
    Detector(
        "email", "pii:email", "1.1", _LIKE_EMAIL, re.compile(_EMAIL),
        hint=re.compile(r"e-?mail"),
    ),
    Detector(
        "iban", "pii:iban", "1.1",
        r"[A-Za-z]{2}[0-9]{2}[ -]?[A-Za-z0-9]{4}[ -]?[A-Za-z0-9]{4}",
        re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=(?:[ -]?[A-Za-z0-9]){11})"),
        validators.iban, Threshold(share=0.2), re.compile(r"iban|bank.?account"),
    ),
    Detector(
        "ssn", "pii:ssn", "1.1",
        r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
        re.compile(r"(?<![0-9A-Za-z-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9A-Za-z-])"),
        validators.ssn, Threshold(share=0.5), re.compile(r"(^|[^a-z])ssn|social.?sec"),
    ),
    Detector(
        "card", "pii:card", "1.1",
        r"[0-9](?:[ -]?[0-9]){11}",
        re.compile(r"(?<![0-9A-Za-z.-])[0-9](?:[ -]?[0-9]){11,18}(?![0-9A-Za-z-])"),
        validators.card, Threshold(share=0.3), re.compile(r"card|(^|[^a-z])(cc|pan)([^a-z]|$)"),
    ),
    Detector(
        "phone", "pii:phone", "1.1",
        r"\+[1-9][0-9 ().-]{6}|[0-9]\)?[ .-][0-9]{2,4}[ .-][0-9]{2}|[0-9]{3}\)?[ .-][0-9]{3}",
        re.compile(
            r"(?<![0-9A-Za-z.,:/+-])"
            r"(?:\+[1-9](?:[ ().-]{0,2}[0-9]){6,14}"
            r"|\(?[0-9]{1,5}\)?(?:[ .-]\(?[0-9]{2,8}\)?){1,5})"
            r"(?![0-9A-Za-z-]|[.,:][0-9])"
        ),
        validators.phone, Threshold(matches=3, rate=0.05, share=0.3, hinted_rate=0.01),
        re.compile(r"phone|mobile|(^|[^a-z])(tel|fax|msisdn)"),
    ),
    Detector(
        "ip", "pii:ip", "1.1",
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]",
        re.compile(
            r"(?<![0-9A-Za-z.:-])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
            r"|(?:[0-9A-Fa-f]{1,4}:{1,2}){2,7}[0-9A-Fa-f]{1,4})(?![0-9A-Za-z:]|\.[0-9])"
        ),
        validators.address, Threshold(rate=0.01, share=0.3, hinted_rate=0.001),
        re.compile(r"(^|[^a-z])ip([^a-z]|$)|ip.?addr"),
    ),
)  # fmt: skip

SECRETS: tuple[Detector, ...] = (
    _secret("aws-key", r"(?:AKIA|ASIA)[0-9A-Z]{16}", validators.not_an_example),
    _secret("github-token", r"gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{5}"),
    _secret("gitlab-token", r"glpat-[A-Za-z0-9_-]{20}"),
    _secret("slack-token", r"xox[abeoprs]-[0-9A-Za-z-]{10}"),
    _secret("google-key", r"AIza[0-9A-Za-z_-]{35}"),
    _secret("stripe-key", r"[rs]k_live_[0-9A-Za-z]{16}"),
    _secret("npm-token", r"npm_[A-Za-z0-9]{36}"),
    _secret("fairmesh-token", r"fm_[A-Za-z0-9_-]{43}"),
    _secret("jwt", r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    _secret("private-key", r"-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----"),
)

DETECTORS = PERSONAL + SECRETS
BY_ID = {detector.id: detector for detector in DETECTORS}
DETECTED = {detector.label: detector for detector in DETECTORS}
"""By label: only of these can a scan say that they are not there."""
