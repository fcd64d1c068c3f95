"""The picture of a simulated mesh: three charts over one time, as SVG that needs nothing else.

Its twin in words is the table "Day by day" of the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from movement.engine.mesh import GB
from movement.engine.simulation.run import Outcome
from movement.engine.simulation.scenario import DAY

_WIDTH, _LEFT, _RIGHT = 960, 96, 40
_TOP, _HEIGHT, _GAP = 84, 132, 62
_INNER = _WIDTH - _LEFT - _RIGHT
_TB = 1_000 * GB
_STYLE = (
    "svg{background:#fff}text{font:13px system-ui,sans-serif;fill:#1f2933}"
    ".title{font-size:19px;font-weight:600}.head{font-weight:600}.axis{stroke:#9aa5b1}"
    ".grid{stroke:#e4e7eb}.short{fill:#b4451f;stroke:#8f3414}.moved{fill:#1f6f8b}"
    ".away{fill:#6b4ea0;stroke:#523b7d}.area{fill-opacity:.25;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){svg{background:#14181d}text{fill:#e4e7eb}"
    ".axis{stroke:#7b8794}.grid{stroke:#323f4b}.short{fill:#f0875f;stroke:#f0875f}"
    ".moved{fill:#5bb5d4}.away{fill:#b39ddb;stroke:#b39ddb}}"
)


def picture(outcome: Outcome, told: dict[str, Any]) -> str:
    """Return the SVG. It follows the reader's light or dark colours."""
    samples, until = outcome.ledger.samples, outcome.days * DAY
    height = _TOP + 3 * (_HEIGHT + _GAP)
    title = f"{told['scenario']}: {told['days']:g} days, seed {told['seed']}"
    summary = (
        f"{told['sites']} sites, {told['versions']:,} versions, "
        f"{told['violations']['count']} violations in {told['checks']['made']:,} checks, "
        f"{told['lost']['count']} lost, {told['bytes_moved'] / _TB:,.1f} TB moved"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="title desc"><title id="title">{escape(title)}</title>'
        f'<desc id="desc">{escape(summary)}. The same figures stand in the table '
        f"“Day by day” of the report.</desc><style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="30">{escape(title)}</text>',
        f'<text x="{_LEFT}" y="52">{escape(summary)}</text>',
    ]
    moments = [sample.at / until for sample in samples]
    short = [float(sample.short) for sample in samples]
    away = [float(sample.sites_away) for sample in samples]
    parts += _chart(0, "Versions with fewer good copies than policies ask for", max(short))
    parts += _steps(0, "short", moments, short)
    days = [(each["day"], each["bytes_moved"] / _TB) for each in told["by_day"]]
    parts += _chart(1, "Terabytes moved a day", max(value for _, value in days))
    parts += _bars(1, days, outcome.days)
    parts += _chart(2, "Sites away", max(away))
    parts += _steps(2, "away", moments, away)
    parts += _time_axis(outcome.days)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bottom(n: int) -> int:
    return _TOP + n * (_HEIGHT + _GAP) + _HEIGHT + 14


def _chart(n: int, head: str, most: float) -> list[str]:
    """Return the frame of a chart: its head, and lines at nothing, half and most."""
    top = _top_of(most)
    shares = (0.0, 1.0) if top in (1, 5) else (0.0, 0.5, 1.0)
    parts = [f'<text class="head" x="{_LEFT}" y="{_bottom(n) - _HEIGHT - 10}">{head}</text>']
    for share in shares:
        y = _bottom(n) - share * _HEIGHT
        kind = "grid" if share else "axis"
        parts.append(
            f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:g}" y2="{y:g}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:g}" text-anchor="end">{top * share:,.6g}</text>'
        )
    return parts


def _steps(n: int, kind: str, moments: Sequence[float], values: Sequence[float]) -> list[str]:
    """Return an area of what was worst in each stretch of time."""
    top, base = _top_of(max(values)), _bottom(n)
    path = [f"M{_LEFT} {base}"]
    for at, value in zip(moments, values, strict=True):
        path.append(f"H{_LEFT + at * _INNER:.1f}V{base - value / top * _HEIGHT:.1f}")
    path.append(f"H{_LEFT + _INNER}V{base}Z")
    return [f'<path class="area {kind}" d="{"".join(path)}"/>']


def _bars(n: int, days: Sequence[tuple[int, float]], length: float) -> list[str]:
    top, base = _top_of(max(value for _, value in days)), _bottom(n)
    width = _INNER / length
    return [
        f'<rect class="moved" x="{_LEFT + day * width + width * 0.1:.1f}" '
        f'y="{base - value / top * _HEIGHT:.1f}" width="{max(width * 0.8, 0.5):.1f}" '
        f'height="{value / top * _HEIGHT:.1f}"><title>day {day}: {value:,.2f} TB</title></rect>'
        for day, value in days
    ]


def _time_axis(length: float) -> list[str]:
    step = _step_of(length / 10)
    y, found = _bottom(2) + 20, []
    day = 0.0
    while day <= length:
        x = _LEFT + day / length * _INNER
        found.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">day {day:g}</text>')
        day += step
    return found


def _step_of(least: float) -> float:
    """Return the first round number of days that is no less."""
    scale = 0.1
    while True:
        for factor in (1, 2, 5):
            if scale * factor >= least:
                return scale * factor
        scale *= 10


def _top_of(most: float) -> float:
    """Return the first round number that is no less."""
    return _step_of(max(most, 0.1))
