"""What a release of ``report-pairs`` promises."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from curation.recipes.studies import FINDINGS, FRONTAL, GIVEN, IMPRESSION, LATERAL, joined, order
from curation.recipes.text_checks import WITHHELD, expected, faults, tells
from curation.release.opened import Opened

_WORDS = {"reports": ("text",), "sections": ("text",), "pairs": GIVEN, "texts": (FINDINGS, IMPRESSION)}
"""Columns with words of reports."""


def wrong_rows(release: Opened) -> list[str]:
    """Reports without their row in each table, rows of other reports or in another split."""
    pairs = expected(release, release.table("pairs")).select("report_id", own="split")
    wrong = []
    for name in ("reports", "sections", "texts"):
        rows = release.whole(name).join(pairs, on="report_id", how="left")
        if rows["own"].null_count():
            wrong.append(f"{name}: a row of a report that is not in pairs")
        if (rows["own"] != rows["split"]).any():
            wrong.append(f"{name}: a row stands in another split than its pair")
        if name != "sections" and set(rows["report_id"]) != set(pairs["report_id"]):
            wrong.append(f"{name}: not one row for each report of pairs")
    return wrong


def wrong_sections(release: Opened) -> list[str]:
    """Sections that do not cover their report, or whose words are not the report's."""
    sections = release.whole("sections").sort("report_id", "position")
    covered = sections.group_by("report_id").agg(
        pl.col("text").str.join(ignore_nulls=False).alias("tiled"),
        pl.col("end").last(),
        ((pl.col("start") == pl.col("end").shift(1, fill_value=0)) & _ordered()).all().alias("contiguous"),
        (pl.col("position") == pl.int_range(pl.len())).all().alias("counted"),
    )
    reports = release.whole("reports").join(covered, on="report_id", how="left")
    in_order = (pl.col("contiguous") & pl.col("counted")).fill_null(value=True)
    covers = in_order & (pl.col("end").fill_null(0) == pl.col("n_characters"))
    found = {
        "its sections do not cover it from its first to its last character": ~covers,
        "its sections together are not its text": pl.col("tiled").fill_null("").ne(pl.col("text").fill_null("")),
        "n_characters is not the length of its text": pl.col("text").str.len_chars() != pl.col("n_characters"),
    }
    return faults("reports", reports, found)


def _ordered() -> pl.Expr:
    return (pl.col("start") <= pl.col("body_start")) & (pl.col("body_start") <= pl.col("end"))


def wrong_words(release: Opened) -> list[str]:
    """Words of pairs and texts that are not those of the report's sections."""
    bodies: dict[tuple[str, str], list[str]] = {}
    columns = ("report_id", "name", "start", "body_start", "text")
    for report_id, name, start, body_start, text in release.whole("sections").select(columns).iter_rows():
        bodies.setdefault((report_id, name), []).append((text or "")[body_start - start :])
    wrong = []
    given = expected(release, release.table("pairs"))
    for table, rows, names in (("pairs", given, GIVEN), ("texts", release.whole("texts"), (FINDINGS, IMPRESSION))):
        for name in names:
            said = [joined(bodies.get((report_id, name), ())) or None for report_id in rows["report_id"]]
            if said != rows[name].to_list():
                wrong.append(f"{table}: {name} is not what the report's sections of that name say")
    return wrong


def wrong_images(release: Opened) -> list[str]:
    """Pairs whose images are not those of their study, in order, or whose flags do not say what is missing."""
    by_study: dict[str, list[Mapping[str, Any]]] = {}
    for image in release.table("images").iter_rows(named=True):
        by_study.setdefault(image["study_id"], []).append(image)
    for images in by_study.values():
        images.sort(key=lambda image: order(image["kind"], image["view"], image["image_id"]))
    wrong = {
        line for row in release.table("pairs").iter_rows(named=True) for line in _faults(row, by_study)
    }  # each once, however many rows
    return sorted(wrong)


def _faults(row: Mapping[str, Any], by_study: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterable[str]:
    images = by_study.get(row["study_id"], ())
    if [image["image_id"] for image in images] != row["image_ids"] or [i["view"] for i in images] != row["views"]:
        yield "pairs: images are not all those of the study, in order"
    if any(image["patient_id"] != row["patient_id"] for image in images):
        yield "pairs: an image of another patient"
    for column, views in (("key_image_id", FRONTAL), ("lateral_id", LATERAL)):
        if row[column] != next((image["image_id"] for image in images if image["view"] in views), None):
            yield f"pairs: {column} is not the first such image of the study"
    missing = {"no_image": not images, "no_frontal": bool(images) and row["key_image_id"] is None}
    if any((name in row["flags"]) != is_so for name, is_so in missing.items()):
        yield "pairs: flags do not say which report has no image or no frontal image"


def wrong_flags(release: Opened) -> list[str]:
    """Words of reports whose licence does not allow to pass them on, and flags that do not say so."""
    wrong = [
        f"{name}: {WITHHELD}"
        for name, columns in _WORDS.items()
        if tells(release, release.whole(name), "report_id", columns)
    ]
    allowed = release.settings["text_licences"]
    rows = release.whole("reports").join(release.table("pairs").select("report_id", "flags"), on="report_id")
    said = rows["flags"].list.contains("text_withheld").to_list()
    if said != [licence not in allowed for licence in rows["licence"]]:
        wrong.append("pairs: text_withheld does not say whose words are missing")
    if rows.filter(pl.col("licence").is_in(allowed) & pl.col("text").is_null()).height:
        wrong.append("reports: a text is missing that may be passed on")
    return wrong
