"""What a release of ``prior-grounded`` promises."""

from functools import partial

import polars as pl

from curation.recipes.studies import FINDINGS, FRONTAL, GIVEN, IMPRESSION, LATERAL
from curation.recipes.text_checks import WITHHELD, expected, faults, tells
from curation.release.hidden import HIDDEN
from curation.release.opened import Opened

_WORDS = {"phrases": ("sentence",), "texts": (FINDINGS, IMPRESSION)}
"""Columns with words of reports, of tables of answers."""


def wrong_priors(release: Opened) -> list[str]:
    """Priors that are not earlier, not there, somebody else's or not the last; days that are miscounted."""
    frontal = _frontal(release)
    rows = release.table("grounded")
    own = frontal.select("image_id", its_study="study_id", its_patient="patient_id", its_date="date", due="due")
    prior = frontal.join(rows.select("image_id", "report_id"), on="image_id").select(
        prior_image_id="image_id",
        prior_study="study_id",
        prior_patient="patient_id",
        prior_date="date",
        said="report_id",
    )
    both = rows.join(own, on="image_id", how="left").join(prior, on="prior_image_id", how="left")
    has, there = pl.col("prior_image_id").is_not_null(), pl.col("prior_patient").is_not_null()
    priors_of_day = pl.col("prior_image_id").fill_null("").n_unique().over("patient_id", "study_date")
    rest = pl.col("prior_study_id", "prior_report_id", "prior_report", "days_between")
    days = (pl.col("its_date") - pl.col("prior_date")).dt.total_days()
    found = {
        "a row is not of a frontal image with its study, patient and date": _differ("its_study", "study_id")
        | _differ("its_patient", "patient_id")
        | _differ("its_date", "study_date"),
        "an image is its own prior": pl.col("prior_image_id") == pl.col("image_id"),
        "a prior is not a frontal image of the release": has & ~there,
        "a prior is another patient's": there & _differ("prior_patient", "patient_id"),
        "prior_study_id is not the prior's study": there & _differ("prior_study", "prior_study_id"),
        "prior_report_id is not the prior's report": there & _differ("said", "prior_report_id"),
        "a prior is not earlier than its study": there
        & (pl.col("prior_date") < pl.col("its_date")).fill_null(value=False).not_(),
        "a prior is not the last earlier one": _differ("prior_date", "due"),
        "days_between is not the days from the prior to its study": has & pl.col("days_between").ne_missing(days),
        "images of one day have different priors": pl.col("study_date").is_not_null() & (priors_of_day > 1),
        "a row without a prior says something of it": ~has & pl.any_horizontal(rest.is_not_null()),
    }
    missing = frontal.join(rows, on="image_id", how="anti").height
    return [*faults("grounded", both, found), *(["grounded: a frontal image has no row"] if missing else [])]


def _differ(one: str, other: str) -> pl.Expr:
    return pl.col(one).ne_missing(pl.col(other))


def _frontal(release: Opened) -> pl.DataFrame:
    """The frontal images, each with the date of its study, and ``due``: the day that its prior must be of."""
    dates = release.table("studies").select("study_id", date="study_date")
    images = release.table("images").filter(pl.col("view").is_in(FRONTAL)).join(dates, on="study_id", how="left")
    kinds = images.filter(pl.col("date").is_not_null()).select("patient_id", "kind", "date").unique().sort("date")
    days = kinds.group_by("patient_id", "date").agg(pl.col("kind").max()).sort("date")  # radiograph before projection
    earlier = partial(pl.DataFrame.join_asof, on="date", allow_exact_matches=False, check_sortedness=False)
    days = earlier(days, kinds.with_columns(same="date"), by=["patient_id", "kind"])
    days = earlier(days, kinds.select("patient_id", "date", other="date"), by="patient_id")
    due = days.select("patient_id", "date", due=pl.coalesce("same", "other"))
    return images.join(due, on=["patient_id", "date"], how="left")


def wrong_reports(release: Opened) -> list[str]:
    """Reports and laterals that are not the study's, and words that may not be passed on."""
    rows = release.table("grounded")
    ids = release.table("images").filter(pl.col("view").is_in(LATERAL))
    laterals = ids.select(lateral_id="image_id", lateral_study="study_id")
    texts = release.whole("texts").select("report_id", its_patient="patient_id", text_split="split")
    joined = expected(release, rows).join(laterals, on="lateral_id", how="left").join(texts, on="report_id", how="left")
    found = {
        "a lateral is not one of its study": pl.col("lateral_id").is_not_null() & _differ("lateral_study", "study_id"),
        "a report is not in texts, or another patient's": pl.col("report_id").is_not_null()
        & _differ("its_patient", "patient_id"),
    }
    wrong = faults("grounded", joined, found)
    if release.settings["hidden_test"] and rows.filter(pl.col("split") == HIDDEN)["prior_report"].count():
        wrong.append("grounded: a prior report of a hidden test, which answers for the prior image")
    words = [("grounded", rows, "report_id", GIVEN), ("grounded", rows, "prior_report_id", ("prior_report",))]
    words += [(name, release.whole(name), "report_id", columns) for name, columns in _WORDS.items()]
    silent = {name for name, own, by, columns in words if tells(release, own, by, columns)}
    return wrong + [f"{name}: {WITHHELD}" for name in sorted(silent)]


def wrong_phrases(release: Opened) -> list[str]:
    """Sentences on other images than frontal ones of their patient, boxes outside their image, words cut short."""
    phrases = release.whole("phrases")
    images = _frontal(release).select("image_id", "rows", "columns", its_patient="patient_id", its_split="split")
    rows = phrases.join(images, on="image_id", how="left")
    found = {
        "an image is not a frontal one of its patient": _differ("its_patient", "patient_id")
        | _differ("its_split", "split"),
        "not four numbers for each label": pl.col("boxes").list.len() != 4 * pl.col("labels").list.len(),
        "a sentence is not as long as its offsets say": pl.col("sentence").str.len_chars().cast(pl.Int64)
        != pl.col("end") - pl.col("start"),
        "negated does not say what says does": pl.col("negated") != pl.col("says").is_in(("absent", "normal")),
    }
    sides = {
        name: pl.col("boxes").list.gather_every(4, place) for place, name in enumerate(("x", "y", "width", "height"))
    }
    placed = rows.filter(pl.col("boxes").list.len() > 0, pl.col("boxes").list.len() % 4 == 0)
    boxes = placed.select("rows", "columns", **sides).explode(*sides)
    x, y, width, height = map(pl.col, sides)
    inside = (x >= 0) & (y >= 0) & (width > 0) & (height > 0)
    inside &= (x + width <= pl.col("columns")) & (y + height <= pl.col("rows"))
    return [*faults("phrases", rows, found), *faults("phrases", boxes, {"a box reaches outside its image": ~inside})]
