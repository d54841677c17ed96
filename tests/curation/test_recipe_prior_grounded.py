"""Priors and grounded sentences: a cohort's release, copies with something planted, and a naive oracle for priors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.recipes.phrases import said
from curation.recipes.prior_grounded import RECIPE, priors
from curation.records import (
    Assertion,
    Mention,
    ReleaseImage,
    Report,
    ReportLink,
    Says,
    SentenceGrounding,
    Study,
    Temporality,
)
from curation.release.opened import Opened
from curation.sentences import sentences
from curation.workspace import Workspace
from labeling.grounding.places import spoken_sentences
from tests.releases import broken, planted, released
from tests.tables import WITHHELD, copied, put_rows, release_image, rows_of

Change = Callable[[pl.DataFrame], pl.DataFrame]
pytestmark = pytest.mark.xdist_group("varied")
col, lit, when = pl.col, pl.lit, pl.when
DAY = date(2020, 1, 1)


@pytest.fixture(scope="module")
def release(varied: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return released(varied, RECIPE, tmp_path_factory.mktemp("release") / "plain")


@pytest.fixture(scope="module")
def hidden(varied: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return released(varied, RECIPE, tmp_path_factory.mktemp("release") / "hidden", hidden_test=True)


def test_a_release_and_one_with_a_hidden_test_keep_their_promises(release: Opened, hidden: Opened) -> None:
    assert broken(release, RECIPE) == broken(hidden, RECIPE) == []
    assert broken(Opened(hidden.folder), RECIPE) == []  # pulled without the answers


def test_a_prior_report_that_was_written_after_the_study_is_not_given(
    varied: Workspace, release: Opened, tmp_path: Path
) -> None:
    given = release.table("grounded").filter(col("prior_report").is_not_null()).row(0, named=True)
    other = copied(varied, tmp_path / "other")
    late = given["study_date"] + timedelta(days=1)
    reports = rows_of(other, Report)
    put_rows(other, [replace(r, report_date=late) if r.report_id == given["prior_report_id"] else r for r in reports])
    grounded = released(other, RECIPE, tmp_path / "late").table("grounded")
    row = grounded.row(by_predicate=col("image_id") == given["image_id"], named=True)
    assert (row["prior_report_id"], row["prior_report"]) == (given["prior_report_id"], None)


# --- priors ----------------------------------------------------------------------------------------------


def naive_prior(image: ReleaseImage, images: Sequence[ReleaseImage], dates: Mapping[str, date | None]) -> set[str]:
    """Images that may be the prior, by looking at all others again and again."""
    frontal = [one for one in images if one.view in ("PA", "AP") and one.patient_id == image.patient_id]
    today = dates[image.study_id]
    if image not in frontal or today is None:
        return set()
    that_day = {one.kind for one in frontal if dates[one.study_id] == today}
    kind = "radiograph" if "radiograph" in that_day else "projection"
    earlier = [(day, one) for one in frontal if (day := dates[one.study_id]) and day < today]
    chosen = [pair for pair in earlier if pair[1].kind == kind] or earlier
    last = max((day for day, _ in chosen), default=None)
    best = [one for day, one in chosen if day == last]
    if kind not in {one.kind for one in best}:
        kind = "projection" if kind == "radiograph" else "radiograph"
    views = {one.view for one in best if one.kind == kind}
    return {one.image_id for one in best if one.kind == kind and one.view == ("PA" if "PA" in views else "AP")}


@st.composite
def imaged(draw: st.DrawFn) -> tuple[list[ReleaseImage], dict[str, date | None]]:
    """Images of two patients in studies of a few days, some of them undated."""
    images, dates = [], {}
    for number in range(draw(st.integers(0, 9))):
        patient, study = draw(st.sampled_from("ab")), f"study{number}"
        days = draw(st.none() | st.integers(0, 5))
        dates[study] = None if days is None else DAY + timedelta(days)
        for place in range(draw(st.integers(0, 3))):
            view = draw(st.sampled_from(("PA", "AP", "LAT", "")))
            kind = draw(st.sampled_from(("radiograph", "projection")))
            name = f"{draw(st.integers(0, 99)):02}.{number}.{place}"
            images.append(release_image(name, study, patient, view=view, kind=kind))
    return draw(st.permutations(images)), dates


@given(imaged())
def test_the_prior_is_what_looking_at_every_other_image_finds(
    cohort: tuple[list[ReleaseImage], dict[str, date | None]],
) -> None:
    images, dates = cohort
    found = priors(images, dates)
    for image in images:
        expected = naive_prior(image, images, dates)
        prior = found.get(image.image_id)
        assert (prior.image_id if prior else None) == min(expected, default=None)
        if prior:
            earlier, today = dates[prior.study_id], dates[image.study_id]
            assert earlier and today and earlier < today
            assert prior.patient_id == image.patient_id
    frontal = [image for image in images if image.view in ("PA", "AP") and dates[image.study_id]]
    of_day: dict[tuple[str, date | None], set[ReleaseImage | None]] = {}
    for image in frontal:
        of_day.setdefault((image.patient_id, dates[image.study_id]), set()).add(found.get(image.image_id))
    assert all(len(shared) == 1 for shared in of_day.values())


def test_an_image_of_the_same_kind_is_the_prior_though_another_kind_lies_between() -> None:
    images = [
        release_image("film", "s1"),
        release_image("projected", "s2", kind="projection"),
        release_image("now", "s3"),
        release_image("ct", "s3", kind="projection"),
    ]
    dates = {f"s{number}": DAY + timedelta(number) for number in (1, 2, 3)}
    found = priors(images, dates)
    assert {name: prior.image_id for name, prior in found.items()} == {"projected": "film", "now": "film", "ct": "film"}


def test_rows_say_how_many_days_lie_between_and_give_the_prior_report(release: Opened, varied: Workspace) -> None:
    rows = release.table("grounded")
    dates = {row.study_id: row.study_date for row in rows_of(varied, Study)}
    texts = {row.report_id: row.text for row in rows_of(varied, Report) if row.licence != WITHHELD}
    links = {row.report_id: row.study_id for row in rows_of(varied, ReportLink)}
    with_prior = rows.filter(col("prior_image_id").is_not_null())
    assert len(with_prior) > 20
    assert rows["prior_image_id"].null_count() > 20
    for row in with_prior.iter_rows(named=True):
        assert row["days_between"] == (dates[row["study_id"]] - dates[row["prior_study_id"]]).days > 0
        assert row["prior_report"] == texts.get(row["prior_report_id"])
        if row["prior_report_id"]:
            assert links[row["prior_report_id"]] == row["prior_study_id"]


def test_of_a_study_with_an_addendum_the_report_with_findings_is_the_report(release: Opened) -> None:
    assert "addendum" in release.table("texts")["report_id"]
    assert "addendum" not in release.table("grounded")["report_id"]


# --- phrases ---------------------------------------------------------------------------------------------


def test_every_sentence_that_mining_reads_is_there_on_every_frontal_image(release: Opened, varied: Workspace) -> None:
    rows = release.table("phrases")
    frontal = release.table("images").filter(col("view").is_in(("PA", "AP"))).group_by("study_id").agg("image_id")
    shown = dict(frontal.iter_rows())
    links = {row.report_id: row.study_id for row in rows_of(varied, ReportLink)}
    kept = set(release.table("texts")["report_id"])
    expected = {
        (row.report_id, one.start, image_id, one.end, one.section, None if row.licence == WITHHELD else one.text)
        for row in rows_of(varied, Report)
        if row.report_id in kept
        for image_id in shown.get(links.get(row.report_id, ""), ())
        for one in spoken_sentences(row.text, ())
    }
    assert set(rows.select("report_id", "start", "image_id", "end", "section", "sentence").rows()) == expected
    assert "addendum" in rows["section"]


def test_mentions_and_groundings_stand_at_the_sentences_that_releases_cut(varied: Workspace) -> None:
    texts = {row.report_id: row.text for row in rows_of(varied, Report)}
    for mention in rows_of(varied, Mention):
        span = (mention.sentence_start, mention.sentence_end)
        assert sentences(texts[mention.report_id], *span) == [span]


def test_boxes_are_those_of_the_study_s_own_masks_and_other_sentences_have_none(
    release: Opened, varied: Workspace
) -> None:
    placed: dict[tuple[str, int, str], list[tuple[str, tuple[int, ...]]]] = {}
    for row in rows_of(varied, SentenceGrounding):
        if row.reference == "study":
            placed.setdefault((row.report_id, row.sentence_start, row.view_id), []).append((row.label, row.box))
    seen = 0
    for row in release.table("phrases").iter_rows(named=True):
        own = sorted(placed.get((row["report_id"], row["start"], row["image_id"]), ()))
        assert row["labels"] == [label for label, _ in own]
        assert row["boxes"] == [number for _, box in own for number in box]
        seen += bool(own)
    assert 100 < seen < len(release.table("phrases"))


def mention(assertion: Assertion, temporality: Temporality = Temporality.UNSAID) -> Mention:
    return Mention("m", "r", "findings", 0, 9, 0, 4, "edema", assertion, "", "", "", "", (), temporality)


def grounding(says: Says) -> SentenceGrounding:
    return SentenceGrounding("r", 0, "v", "heart", 9, "findings", says, (), "", "study", (0, 0, 1, 1))


@pytest.mark.parametrize(
    ("mentions", "places", "expected"),
    [
        ([], [], Says.UNSTATED),
        ([mention(Assertion.ABSENT)], [], Says.ABSENT),
        ([mention(Assertion.ABSENT), mention(Assertion.UNCERTAIN)], [], Says.UNCERTAIN),
        ([mention(Assertion.PRESENT, Temporality.HISTORICAL)], [], Says.UNSTATED),
        ([], [grounding(Says.NORMAL), grounding(Says.UNSTATED)], Says.NORMAL),
        ([mention(Assertion.ABSENT)], [grounding(Says.UNSTATED)], Says.ABSENT),
    ],
)
def test_a_sentence_says_the_strongest_of_what_it_says(
    mentions: list[Mention], places: list[SentenceGrounding], expected: Says
) -> None:
    assert said(mentions, places) is expected


def test_progression_and_negation_are_those_of_the_sentence(release: Opened) -> None:
    rows = release.table("phrases")
    stable = rows.filter(col("report_id") == "addendum").row(0, named=True)
    assert (stable["progression"], stable["says"], stable["negated"]) == (["stable"], "present", False)
    clear = rows.filter(col("sentence") == "No pneumothorax is identified.").row(0, named=True)
    assert (clear["says"], clear["negated"], clear["findings"]) == ("absent", True, ["pneumothorax"])


def test_a_place_on_the_atlas_is_no_place_on_the_image(varied: Workspace, tmp_path: Path) -> None:
    other = copied(varied, tmp_path / "other")
    put_rows(other, [replace(row, reference="atlas") for row in rows_of(other, SentenceGrounding)])
    made = released(other, RECIPE, tmp_path / "release")
    assert made.table("phrases")["boxes"].list.len().sum() == 0
    assert broken(made, RECIPE) == []


# --- what stands apart, and what is planted --------------------------------------------------------------


def test_a_hidden_test_shows_priors_but_no_report_that_answers_for_one_of_its_images(hidden: Opened) -> None:
    rows = hidden.table("grounded")
    asked = rows.filter(col("split") == "test")
    assert asked["prior_image_id"].count()
    assert asked["indication"].count()
    assert asked["prior_report"].count() == 0
    assert rows["prior_report"].count()
    assert hidden.answers
    for name in RECIPE.answers:
        assert "test" not in hidden.table(name)["split"]
        assert set(pl.read_parquet(hidden.answers / f"{name}.parquet")["split"]) == {"test"}


def with_prior(**changed: object) -> Change:
    """Other values in the first row that has a prior."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        at = col("image_id") == table.filter(col("prior_report_id").is_not_null())["image_id"][0]
        return table.with_columns(
            when(at).then(value if isinstance(value, pl.Expr) else lit(value)).otherwise(col(name)).alias(name)
            for name, value in changed.items()
        )

    return change


def boxed(*box: int) -> Change:
    """One box on every image."""
    return lambda table: table.with_columns(labels=lit(["heart"]), boxes=lit(list(box)))


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("grounded", with_prior(study_id="x"), "a row is not of a frontal image with its study"),
        ("grounded", with_prior(study_date=DAY), "a row is not of a frontal image with its study"),
        ("grounded", with_prior(patient_id="x"), "a prior is another patient's"),
        ("grounded", with_prior(prior_image_id=col("image_id")), "an image is its own prior"),
        ("grounded", with_prior(prior_image_id=col("image_id")), "a prior is not earlier than its study"),
        ("grounded", with_prior(prior_image_id="x"), "a prior is not a frontal image of the release"),
        ("grounded", with_prior(prior_image_id=col("lateral_id")), "a prior is not a frontal image of the release"),
        ("grounded", with_prior(prior_image_id=None), "a prior is not the last earlier one"),
        ("grounded", with_prior(prior_image_id=None), "a row without a prior says something of it"),
        ("grounded", with_prior(prior_study_id="x"), "prior_study_id is not the prior's study"),
        ("grounded", with_prior(prior_report_id="x"), "prior_report_id is not the prior's report"),
        ("grounded", with_prior(days_between=col("days_between") + 1), "days_between is not the days"),
        ("grounded", lambda t: t.with_columns(patient_id=lit("p"), study_date=DAY), "images of one day have different"),
        ("grounded", lambda t: t.tail(-1), "a frontal image has no row"),
        (
            "grounded",
            lambda t: t.with_columns(lateral_id=col("lateral_id").drop_nulls().first()),
            "a lateral is not one of",
        ),
        ("grounded", with_prior(report_id="x"), "a report is not in texts, or another patient's"),
        ("grounded", lambda t: t.with_columns(indication=lit("words")), "words of a report whose licence"),
        ("grounded", lambda t: t.with_columns(prior_report=lit("words")), "words of a report whose licence"),
        ("phrases", lambda t: t.with_columns(sentence=lit("words")), "words of a report whose licence"),
        ("texts", lambda t: t.with_columns(impression=lit("words")), "words of a report whose licence"),
        ("texts", lambda t: t.with_columns(duplicate_group=lit("x")), "reports that say nearly the same"),
        ("phrases", lambda t: t.with_columns(image_id=lit("x")), "an image is not a frontal one of its patient"),
        ("phrases", lambda t: t.with_columns(split=lit("x")), "an image is not a frontal one of its patient"),
        ("phrases", lambda t: t.with_columns(end=col("end") + 1), "a sentence is not as long as its offsets say"),
        ("phrases", lambda t: t.with_columns(negated=~col("negated")), "negated does not say what says does"),
        ("phrases", lambda t: t.with_columns(boxes=col("boxes").list.head(3)), "not four numbers for each label"),
        *(
            ("phrases", boxed(*box), "a box reaches outside its image")
            for box in ((-1, 0, 2, 2), (0, -1, 2, 2), (0, 0, 0, 2), (0, 0, 2, 0), (31, 0, 2, 2), (0, 31, 2, 2))
        ),
    ],
)
def test_the_checks_name_what_was_planted(release: Opened, table: str, change: Change, said: str) -> None:
    found = broken(planted(release, **{table: change(release.table(table))}), RECIPE)
    assert any(line.startswith(f"{table}: {said}") for line in found), found


def test_a_prior_from_the_future_is_named(release: Opened) -> None:
    rows = release.table("grounded")
    study = rows["prior_study_id"].drop_nulls()[0]
    moved = when(col("study_id") == study).then(date(2099, 1, 1)).otherwise("study_date").alias("study_date")
    changed = planted(release, studies=release.table("studies").with_columns(moved), grounded=rows.with_columns(moved))
    assert "grounded: a prior is not earlier than its study" in broken(changed, RECIPE)


def test_a_prior_report_in_a_hidden_test_is_named(hidden: Opened) -> None:
    changed = hidden.table("grounded").with_columns(prior_report=lit("words"))
    assert any("a prior report of a hidden test" in line for line in broken(planted(hidden, grounded=changed), RECIPE))
