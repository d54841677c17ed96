"""Nobody stands in two splits: not by a row, not by an image, not by a report that says nearly the same.

Whether an official split was honoured cannot be told from a release's files: its rows say only that they are official.
"""

import re
from collections.abc import Iterator

import polars as pl

from curation.records import SPLITS
from curation.release.opened import Opened

_NAMED = re.compile("_(train|valid|test)$")
"""Ending of a table that holds rows of one split alone."""
_IMAGES = ("image_id", "view_id")
_OF = {
    "split": (
        *("patient_id", "study_id", "series_id", "report_id", "subject_id", *_IMAGES, "image_ids"),
        *("key_image_id", "lateral_id", "prior_study_id", "prior_image_id", "prior_report_id"),
    ),
    "query_split": ("query_id",),
    "candidate_split": ("candidate_id",),
}
"""What must be of the split that a column says."""


def wrong_splits(release: Opened) -> Iterator[str]:
    """What breaks the promise that nobody stands in two splits."""
    yield from _wrong_patients(release)
    known = _known(release)
    for name in release.names:
        yield from _elsewhere(name, release.table(name), known)
    yield from _wrong_owners(release)
    yield from _wrong_images(release)
    yield from _wrong_groups(release)


def _wrong_patients(release: Opened) -> Iterator[str]:
    """Patients with two rows of splits or with none, and splits that there are not."""
    splits = release.table("splits")
    if splits["patient_id"].is_duplicated().any():
        yield "splits: a patient stands in more than one row"
    if not splits["split"].is_in(SPLITS).all():
        yield f"splits: a split is none of {', '.join(SPLITS)}"
    for name in release.names:
        rows = release.table(name)
        if "patient_id" in rows.columns and not rows["patient_id"].is_in(splits["patient_id"].implode()).all():
            yield f"{name}: a patient has no split"


def _known(release: Opened) -> pl.DataFrame:
    """The split of each patient, study, series, image and report (``id``), by its patient and nothing else."""
    splits = release.table("splits").select("patient_id", of="split")
    found = [splits.select(id="patient_id", of="of")]
    for name in release.names:
        rows = release.table(name)
        columns = {"images": ("image_id", "series_id"), "studies": ("study_id",)}.get(name, ("report_id",))
        for column in columns if "patient_id" in rows.columns else ():
            if column in rows.columns:
                found.append(rows.select("patient_id", id=column).join(splits, on="patient_id").select("id", "of"))
    return pl.concat(found).drop_nulls().unique()


def _elsewhere(name: str, rows: pl.DataFrame, known: pl.DataFrame) -> Iterator[str]:
    """Columns that name what is of another split than the row."""
    rows = _with_split(name, rows, known)
    for said, columns in _OF.items():
        for column in columns if said in rows.columns else ():
            if column in rows.columns and _differ(rows, column, said, known):
                yield f"{name}: a row is in another split than its {column}"


def _with_split(name: str, rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """With a column ``split``: the table's own, else that of its name, else that of its patient."""
    ending = _NAMED.search(name)
    if "split" in rows.columns:
        return rows
    if ending:
        return rows.with_columns(split=pl.lit(ending[1]))
    if "patient_id" in rows.columns:
        return rows.join(known.rename({"id": "patient_id", "of": "split"}), on="patient_id")
    return rows


def _differ(rows: pl.DataFrame, column: str, said: str, known: pl.DataFrame) -> bool:
    """Whether a column names what is of another split or patient (``of``) than the row says."""
    if column in _IMAGES and "reference" in rows.columns:
        rows = rows.filter(pl.col("reference") != "atlas")  # of another person, and said to be so
    pairs = rows.select(pl.col(column).alias("id"), pl.col(said).alias("said"))
    if isinstance(pairs.schema["id"], pl.List):
        pairs = pairs.explode("id")
    return not pairs.join(known, on="id").filter(pl.col("said") != pl.col("of")).is_empty()


def _wrong_owners(release: Opened) -> Iterator[str]:
    """Rows of one patient that name a study, series, image or report of another, whatever their split."""
    tables = {name: release.table(name) for name in release.names if "patient_id" in release.table(name).columns}
    spine = (("images", "image_id"), ("images", "series_id"), ("studies", "study_id"))
    reports = ((name, "report_id") for name, rows in tables.items() if "report_id" in rows.columns)
    found = (tables[name].select(pl.col(column).alias("id"), of="patient_id") for name, column in (*spine, *reports))
    known = pl.concat(found).unique()
    for name, rows in tables.items():
        for column in _OF["split"][1:]:
            if column in rows.columns and _differ(rows, column, "patient_id", known):
                yield f"{name}: a row is of another patient than its {column}"


def _wrong_images(release: Opened) -> Iterator[str]:
    """Images in two splits. In one split the same pixels may stand twice, also under two patients: nothing leaks."""
    images = release.table("images")
    for column, what in (("pixel_sha256", "pixels stand"), ("sha256", "file stands")):
        if _crosses(images.select(group=column, split="split")):
            yield f"images: the same {what} in two splits"


def _wrong_groups(release: Opened) -> Iterator[str]:
    """Groups of reports that say nearly the same, over all tables together, with the answers of a hidden test."""
    apart = release.answers
    shelves = [release] if apart is None or not apart.is_dir() else [release, Opened(apart)]
    tables = [(name, shelf.table(name)) for shelf in shelves for name in shelf.names]
    grouped = [(name, rows) for name, rows in tables if {"duplicate_group", "split"} <= {*rows.columns}]
    if grouped and _crosses(pl.concat(rows.select(group="duplicate_group", split="split") for _, rows in grouped)):
        names = ", ".join(sorted({name for name, _ in grouped}))
        yield f"{names}: reports that say nearly the same stand in two splits"


def _crosses(rows: pl.DataFrame) -> bool:
    """Whether a group stands in two splits."""
    return bool(rows.unique()["group"].is_duplicated().any())
