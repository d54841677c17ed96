"""Who is in a release: patients by split, sex, age and site."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from curation.records import SPLITS
from curation.release.card.small import FEW, WITHHELD, Cell, by_split, few, withheld
from curation.release.opened import Opened

_TOP_SITES = 12
_OLDEST, _BAND = 90, 10


def splits(release: Opened) -> dict[str, dict[str, Cell]]:
    """Patients, studies, images and reports by split and of all; where patients are not counted, nor are the others.

    So few images or studies would say how few the patients are at most.
    """
    split = release.table("splits").select("patient_id", "split")
    tables = {"studies": release.table("studies").join(split, on="patient_id")}
    tables |= {name: release.table(name) for name in ("images", "reports") if name in release.names}
    counts = {name: _by_split(frame) for name, frame in tables.items()}
    told = {
        name: _of_split(cell, counts, place)
        for place, (name, cell) in enumerate(zip(SPLITS, patients(release), strict=True))
    }
    everybody = few(len(split))
    whole = {
        name: sum(row) if name == "images" or isinstance(everybody, int) else few(sum(row))
        for name, row in counts.items()
    }
    return told | {"all": {"patients": everybody, **whole}}


def _of_split(whose: Cell, counts: Mapping[str, Sequence[int]], place: int) -> dict[str, Cell]:
    others = {name: row[place] if isinstance(whose, int) else WITHHELD for name, row in counts.items()}
    return {"patients": whose, **others}


def patients(release: Opened) -> list[Cell]:
    """Patients of each split."""
    return withheld(_by_split(release.table("splits")))


def _by_split(frame: pl.DataFrame) -> list[int]:
    counts = dict(frame.group_by("split").len().iter_rows())
    return [counts.get(name, 0) for name in SPLITS]


def split_sources(release: Opened) -> list[list[Cell]]:
    """Patients by where their split is from."""
    counts = sorted(release.table("splits").group_by("split_source").len().iter_rows())
    return [[name, cell] for (name, _), cell in zip(counts, withheld([n for _, n in counts]), strict=True)]


def sex(release: Opened) -> dict[str, Any]:
    """Patients by sex."""
    values = release.table("patients").select("patient_id", value=pl.col("sex").replace("", "unknown"))
    return _table(release, values, ("F", "M", "O", "unknown"))


def age(release: Opened) -> dict[str, Any]:
    """Patients by age at their first study, in bands of ten years."""
    first = release.table("studies").group_by("patient_id").agg(pl.col("age_years").min())
    aged = release.table("patients").join(first, on="patient_id", how="left")
    start = (pl.col("age_years") // _BAND * _BAND).clip(0, _OLDEST)
    values = aged.select("patient_id", value=start.replace_strict(_BANDS, default="unknown", return_dtype=pl.String))
    return _table(release, values, (*_BANDS.values(), "unknown"))


_BANDS = {n: f"{n}–{n + _BAND - 1}" for n in range(0, _OLDEST, _BAND)} | {_OLDEST: f"{_OLDEST} and above"}


def site(release: Opened) -> dict[str, Any]:
    """Patients by the institution of their studies; one with studies at two counts at both."""
    visits = release.table("studies").select("patient_id", value=pl.col("site_id").replace("", "not named"))
    counts = visits.group_by("value").agg(pl.col("patient_id").n_unique()).sort("patient_id", "value", descending=True)
    top = counts["value"].head(_TOP_SITES).to_list()
    merged = visits.with_columns(pl.when(pl.col("value").is_in(top)).then("value").otherwise(pl.lit("other sites")))
    return _table(release, merged.unique(), tuple(sorted(merged["value"].unique())))


def _table(release: Opened, values: pl.DataFrame, order: tuple[str, ...]) -> dict[str, Any]:
    """Patients by value and split; ``values`` has a row for each patient and value."""
    counted = values.join(release.table("splits").select("patient_id", "split"), on="patient_id")
    counts = {(value, split): n for value, split, n in counted.group_by("value", "split").len().iter_rows()}
    there = [value for value in order if any((value, split) in counts for split in SPLITS)]
    rows = {value: [counts.get((value, split), 0) for split in SPLITS] for value in there}
    if few(release.table("patients").height) == FEW:
        return {"columns": ["all"], "rows": []}  # that a value is there would say whose it is
    return by_split(rows, all(isinstance(cell, int) for cell in patients(release)))
