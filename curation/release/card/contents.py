"""What single recipes add: masks, measurements, readers' work, texts, priors, concepts."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from curation.records import SPLITS
from curation.release.card import people
from curation.release.card.small import LIMIT, WITHHELD, Cell, few, withheld
from curation.release.opened import Opened

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_FINDINGS = 1000
"""Masks of this category and above are findings, see ``masks``."""
_INTERVALS = ((7, "7 days or less"), (30, "8–30 days"), (90, "31–90 days"), (365, "91–365 days"))
_LONGER, _NO_PRIOR = "more than 365 days", "no prior"
_MOST = 25


def quantiles(values: pl.Series) -> list[float]:
    """The 5th, 25th, 50th, 75th and 95th of a hundred, between neighbours linear; none of no values."""
    there = values.drop_nulls()
    found = [there.quantile(q, "linear") for q in _QUANTILES]
    return [round(value, 4) for value in found if value is not None]


def _counts(frame: pl.DataFrame, *columns: str) -> list[list[Any]]:
    return [list(row) for row in frame.group_by(columns).len().sort(columns).iter_rows()]


def _patients(frame: pl.DataFrame, column: str) -> list[list[Cell]]:
    """Patients by value of a column; ``frame`` has the column ``patient_id``."""
    rows = frame.group_by(column).agg(pl.col("patient_id").n_unique()).sort(column).rows()
    cells = withheld([n for _, n in rows])
    return [[value, cell] for (value, _), cell in zip(rows, cells, strict=True)]


def _with_patient(release: Opened, table: str) -> pl.DataFrame:
    whose = release.table("images").select("image_id", "patient_id")
    rows = release.table(table)
    return rows.rename({"view_id": "image_id"} if "view_id" in rows.columns else {}).join(
        whose, on="image_id", how="semi" if "patient_id" in rows.columns else "inner"
    )


def images(release: Opened) -> dict[str, Any]:
    """Images by kind and view, by split where the patients of every split are counted; and what headers did not say."""
    frame = release.table("images").with_columns(pl.col("view").replace("", "not said"))
    columns = [*SPLITS, "all"] if all(isinstance(cell, int) for cell in people.patients(release)) else ["all"]
    return {
        "n": frame.height,
        "columns": columns,
        "kinds": _split_rows(frame, "kind", columns),
        "views": _split_rows(frame, "view", columns),
        "no_spacing": frame["pixel_spacing_mm"].null_count(),
        "rows_px": quantiles(frame["rows"].cast(pl.Float64)),
        "columns_px": quantiles(frame["columns"].cast(pl.Float64)),
    }


def _split_rows(frame: pl.DataFrame, column: str, columns: Sequence[str]) -> list[list[Any]]:
    both = pl.concat([frame.select(column, "split"), frame.select(column, split=pl.lit("all"))])
    counts = {(value, split): n for value, split, n in both.group_by(column, "split").len().iter_rows()}
    return [[value, *(counts.get((value, name), 0) for name in columns)] for value in sorted(frame[column].unique())]


def left_out(release: Opened) -> list[list[Any]]:
    """Kind, reason, count."""
    return _counts(release.table("left_out"), "kind", "reason")


def masks(release: Opened) -> dict[str, Any]:
    """Labels with images and share of the image covered; findings of few patients without numbers."""
    size = release.table("images").select("image_id", "patient_id", pixels=pl.col("rows") * pl.col("columns"))
    rows = release.table("masks").join(size, left_on="view_id", right_on="image_id")
    rows = rows.with_columns(share=pl.col("area_px") / pl.col("pixels"))
    found = rows.group_by("label").agg(
        pl.col("category_id").first(),
        pl.col("view_id").n_unique().alias("images"),
        pl.col("patient_id").n_unique().alias("patients"),
        *(pl.col("share").quantile(q, "linear").round(4).alias(f"q{q}") for q in (0.25, 0.5, 0.75)),
    )
    return {
        "images": rows["view_id"].n_unique(),
        "sources": _counts(rows, "source"),
        "labels": [_mask_row(*row) for row in found.sort("label").iter_rows()],
    }


def _mask_row(label: str, category: int, n_images: int, n_patients: int, *shares: float) -> list[Any]:
    if category >= _FINDINGS and n_patients < LIMIT:
        return [label, few(n_patients), []]
    return [label, n_images, list(shares)]


def measurements(release: Opened) -> list[dict[str, Any]]:
    """By measure: patients with a finding on any image, without one, without a value; quartiles of the values."""
    rows = _with_patient(release, "measurements")
    rank = pl.when(pl.col("positive")).then(0).when(pl.col("positive").is_not_null()).then(1).otherwise(2)
    best = rows.with_columns(rank=rank).group_by("measure", "patient_id").agg(pl.col("rank").min())
    counts = {(measure, place): n for measure, place, n in best.group_by("measure", "rank").len().iter_rows()}
    return [
        {
            "measure": measure,
            "unit": own["unit"].drop_nulls().sort()[-1],
            "patients": withheld([counts.get((measure, place), 0) for place in range(3)]),
            "quartiles": quantiles(own["value"])[1:4] if _enough(own.drop_nulls("value")) else [],
        }
        for measure in sorted(rows["measure"].unique())
        for own in (rows.filter(pl.col("measure") == measure),)
    ]


def _enough(frame: pl.DataFrame) -> bool:
    return frame["patient_id"].n_unique() >= LIMIT


def pictures(release: Opened) -> list[list[Any]]:
    """Further pictures by kind."""
    return _counts(release.table("pictures"), "kind")


def readers(release: Opened) -> list[list[Any]] | None:
    """By reader: images read, boxes drawn, readings for the second time; None where reads are outlines on a CT."""
    rows = release.table("reads")
    if "n_boxes" not in rows.columns:
        return None
    found = rows.group_by("rad_id").agg(
        pl.col("image_id").n_unique(), pl.col("n_boxes").sum(), (pl.col("reading") > 0).sum()
    )
    return [list(row) for row in found.sort("rad_id").iter_rows()]


def boxes(release: Opened) -> dict[str, Any] | None:
    """Consensus boxes: patients by class, boxes by method, votes over readers; None where consensus is of CTs."""
    rows = release.table("consensus")
    if "class_name" not in rows.columns:
        return None
    return {
        "boxes": rows.height,
        "classes": _patients(rows, "class_name"),
        "methods": _counts(rows, "method"),
        "score": quantiles(rows["score"]),
    }


def agreement(release: Opened) -> list[list[Any]]:
    """By pair of readers: objects, quantiles of Dice."""
    rows = release.table("agreement")
    pairs = rows.select("reader_a", "reader_b").unique().sort("reader_a", "reader_b")
    return [
        [a, b, own.height, quantiles(own["dice"])]
        for a, b in pairs.iter_rows()
        for own in (rows.filter((pl.col("reader_a") == a) & (pl.col("reader_b") == b)),)
    ]


def decisions(release: Opened) -> list[list[Any]]:
    """By task and question: verdicts by name, mean share of readers who say the same where there were several."""
    rows = release.table("decisions")
    several = pl.col("share").filter(pl.col("n_readers") > 1).sort().mean().round(4)
    verdicts = (pl.col("verdict") == name for name in VERDICTS)
    found = rows.group_by("task", "question").agg(
        *(v.sum().alias(n) for n, v in zip(VERDICTS, verdicts, strict=True)), several
    )
    return [list(row) for row in found.sort("task", "question").iter_rows()]


VERDICTS = ("agreed", "adjudicated", "split", "single")


def words(release: Opened) -> list[dict[str, Any]]:
    """By section: how many, how many without their words, quantiles of words without the header."""
    rows = release.table("sections").with_columns(
        words=pl.col("text").str.slice(pl.col("body_start") - pl.col("start")).str.count_matches(r"\S+")
    )
    return [
        {
            "section": name,
            "n": own.height,
            "withheld": own["text"].null_count(),
            "words": quantiles(own["words"].cast(pl.Float64)),
        }
        for name in sorted(rows["name"].unique())
        for own in (rows.filter(pl.col("name") == name),)
    ]


def reports(release: Opened) -> dict[str, Any]:
    """How many, without their text, in groups that say nearly the same, by collection and licence."""
    rows = release.table("reports")
    groups = rows.group_by("duplicate_group").len().filter(pl.col("len") > 1)
    return {
        "n": rows.height,
        "withheld": rows["text"].null_count(),
        "groups": groups.height,
        "in_groups": int(groups["len"].sum()),
        "characters": quantiles(rows["n_characters"].cast(pl.Float64)),
        "sources": _counts(rows, "collection", "licence"),
    }


def pairs(release: Opened) -> dict[str, Any]:
    """Flags, and images a report."""
    rows = release.table("pairs")
    flags = rows.select(flag=pl.col("flags")).explode("flag").drop_nulls()
    per = rows.select(images=pl.col("image_ids").list.len())
    return {"n": rows.height, "flags": _counts(flags, "flag"), "images": _counts(per, "images")}


def priors(release: Opened) -> dict[str, Any]:
    """Images with prior, lateral, report; patients by the time from the prior."""
    rows = release.table("grounded")
    days = pl.col("days_between")
    names = (*(name for _, name in _INTERVALS), _LONGER)
    within = (pl.when(days <= most).then(pl.lit(name)) for most, name in _INTERVALS)
    longer = pl.when(days.is_not_null()).then(pl.lit(_LONGER))
    banded = rows.with_columns(band=pl.coalesce(*within, longer, pl.lit(_NO_PRIOR)))
    cells = {str(name): cell for name, cell in _patients(banded, "band")}
    order = (_NO_PRIOR, *names)
    return {
        "n": rows.height,
        **{f"with_{name}": rows[f"{name}_id"].count() for name in ("prior_image", "prior_report", "lateral", "report")},
        "intervals": [[name, cells.get(name, 0)] for name in order],
    }


def phrases(release: Opened) -> dict[str, Any]:
    """Rows by what is said; rows with a box; rows on another person's anatomy."""
    rows = release.table("phrases")
    says = "says" if "says" in rows.columns else "assertion"
    boxed = rows.filter(pl.col("boxes" if "boxes" in rows.columns else "box").list.len() > 0)
    atlas = rows.filter(pl.col("reference") == "atlas").height if "reference" in rows.columns else 0
    return {"n": rows.height, "says": _counts(rows, says), "boxed": boxed.height, "atlas": atlas}


def concepts(release: Opened) -> dict[str, Any]:
    """The concepts that most patients have, each by itself; how many have none or few."""
    rows = release.table("concept_labels").filter(pl.col("state") == 1)
    found = rows.group_by("concept_id").agg(pl.col("patient_id").n_unique().alias("n"))
    many = found.filter(pl.col("n") >= LIMIT).sort(["n", "concept_id"], descending=[True, False])
    whole = release.table("concept_labels")["patient_id"].n_unique()
    cells = [[name, WITHHELD if few(whole - n) != whole - n else n] for name, n in many.head(_MOST).iter_rows()]
    return {"present": cells, "many": many.height, "fewer": found.height - many.height}


def mentions(release: Opened) -> dict[str, Any]:
    """Mentions by assertion and by time."""
    rows = release.table("mentions")
    return {"n": rows.height, "assertions": _counts(rows, "assertion"), "times": _counts(rows, "temporality")}


def similar(release: Opened) -> list[list[Any]]:
    """By part of the body: queries, candidates, quantiles of the score."""
    rows = release.table("similar").with_columns(pl.col("anatomy").replace("", "whole report"))
    return [
        [name, own["query_id"].n_unique(), own.height, quantiles(own["score"])]
        for name in sorted(rows["anatomy"].unique())
        for own in (rows.filter(pl.col("anatomy") == name),)
    ]
