"""The classification release: every source kept, one target for each label, and a trail to where a label is from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from curation.errors import InputError
from curation.recipes.classification import RECIPE
from curation.recipes.classification_checks import CHEXPERT_14, wrong_targets
from curation.recipes.image_labels import opinion_labels
from curation.recipes.targets import policy_of, targets
from curation.records import (
    LabelMapRow,
    Opinion,
    Radiograph,
    Record,
    ReleaseLabel,
    ReleaseTarget,
    Report,
    ReportLabel,
    ReportLink,
    Series,
    Study,
)
from curation.release.opened import Opened
from curation.settings import Shares, TargetSettings
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling.labels.sets import CHEXPERT_14 as PUBLISHED
from tests.cohort import cohort
from tests.releases import broken, planted, released
from tests.rows import measurement, workspace_with_rows

pytestmark = pytest.mark.xdist_group("classification")
SETS = ("chexpert", "nih", "vindr")
SETTINGS = Workspace(Path.cwd()).settings.recipes["classification"]


def rows_of(workspace: Workspace, record: type[Record]) -> list[Record]:
    return read_rows(record, workspace.tables(record.about.stage))


def write(workspace: Workspace, rows: list[Record]) -> None:
    record = type(rows[0])
    write_parquet(to_arrow(record, rows), workspace.tables(record.about.stage) / record.about.name / "more.parquet")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The cohort, a model that looked at a radiograph, and one that gave probabilities alone."""
    made = cohort(tmp_path_factory.mktemp("classification") / "w", 30)
    film = next(iter(read_rows(Radiograph, made.tables("catalog")))).instance_id
    write(made, [Opinion("model", film, "Edema", 1, 0.8), Opinion("model", film, "Fracture", None, 0.2)])
    return made


@pytest.fixture(scope="module")
def release(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return released(workspace, RECIPE, tmp_path_factory.mktemp("open"))


@pytest.fixture(scope="module")
def hidden(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    shares = Shares(train=0.5, valid=0.2, test=0.3)
    return released(workspace, RECIPE, tmp_path_factory.mktemp("hidden"), hidden_test=True, split=shares)


# --- labels ------------------------------------------------------------------------------------------------


def test_every_source_of_a_label_is_kept(release: Opened) -> None:
    labels = release.table("labels")
    assert set(labels["source"]) == {"readers", "consensus", "measurement", "report", "other-labeler", "model"}
    assert set(labels["label_set"]) == set(SETS)


def test_a_report_speaks_of_each_image_of_its_own_study_and_of_no_other(workspace: Workspace, release: Opened) -> None:
    study_of = {row.report_id: row.study_id for row in read_rows(ReportLink, workspace.tables("catalog"))}
    images = release.table("images").select("image_id", "study_id").rows()
    said = read_rows(ReportLabel, workspace.tables("mine"))
    expected = {
        (image_id, row.label_set, row.label, row.report_id, row.state)
        for image_id, study_id in images
        for row in said
        if study_of.get(row.report_id) == study_id and row.state is not None
    }
    labels = release.table("labels").filter(pl.col("source") == "report")
    assert set(labels.select("image_id", "label_set", "label", "source_id", "state").rows()) == expected


def test_a_reader_who_saw_the_image_gives_labels_of_vindr_and_chexpert(release: Opened) -> None:
    labels = release.table("labels").filter(pl.col("source") == "readers", pl.col("state") == 1)
    shown = labels.filter(pl.col("label").is_in(["Pleural effusion", "Pleural Effusion"]))
    pairs = shown.group_by("image_id", "source_id").agg(pl.col("label_set").sort())
    assert pairs.height > 0
    assert {tuple(sets) for sets in pairs["label_set"]} == {("chexpert", "vindr")}


def test_a_probability_alone_is_an_opinion_and_no_label(release: Opened) -> None:
    model = pl.col("source") == "model"
    assert release.table("opinions").filter(model)["label"].to_list() == ["Edema", "Fracture"]
    assert release.table("labels").filter(model)["label"].to_list() == ["Edema"]


def test_a_labeler_may_not_be_called_as_one_of_our_own() -> None:
    with pytest.raises(InputError, match="'report'"):
        list(opinion_labels([Opinion("report", "r", "Edema", 1, None)], {"r": ["image"]}))


def test_without_a_label_map_there_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="paxflow run mine"):
        released(workspace_with_rows(tmp_path / "w"), RECIPE, tmp_path / "release")


def test_labels_are_of_the_sets_that_were_mined(tmp_path: Path) -> None:
    made = workspace_with_rows(tmp_path / "w")
    write(
        made, [LabelMapRow("nih", name, number, (), (), "") for number, name in enumerate(("Nodule", "Cardiomegaly"))]
    )
    write(made, [Opinion("model", "view1", "Edema", 1, 0.8)])
    unclear = replace(measurement("view1", "aortic_knob", 1.0, 2.0, ()), measure="cardiomegaly", positive=None)
    write(made, [replace(unclear, view_id="view3"), replace(unclear, measure="other")])
    labels = released(made, RECIPE, tmp_path / "release").table("labels")
    assert labels.select("image_id", "label_set", "label", "source", "state").rows() == [
        ("view1", "nih", "Cardiomegaly", "measurement", 0),
        ("view2", "nih", "Cardiomegaly", "measurement", 1),
        ("view2", "nih", "Nodule", "consensus", 1),
    ]


# --- targets -----------------------------------------------------------------------------------------------


LABELS = ("Edema", "Fracture")
MAP = [
    *(LabelMapRow("nih", label, number, (), (), "") for number, label in enumerate(LABELS)),
    LabelMapRow("padchest", "below the tree", 0, (), (), ""),
]
said = st.lists(
    st.builds(
        ReleaseLabel,
        image_id=st.sampled_from(("i1", "i2")),
        label=st.sampled_from((*LABELS, "below the tree")),
        source=st.sampled_from(("readers", "consensus", "measurement", "report", "alice", "bob")),
        source_id=st.sampled_from(("x", "y")),
        state=st.sampled_from((1, 0, -1, None)),
        label_set=st.sampled_from(("nih", "padchest")),
    ),
    max_size=12,
    unique_by=lambda row: (row.image_id, row.label_set, row.label, row.source, row.source_id),
)
policies = st.tuples(st.sampled_from(("ignore", "ones", "zeros")), st.sampled_from(("ignore", "zeros")))


def settings(uncertain: str, not_mentioned: str) -> TargetSettings:
    assert isinstance(SETTINGS, TargetSettings)
    return SETTINGS.model_copy(update={"uncertain": uncertain, "not_mentioned": not_mentioned})


def one_by_one(rows: list[ReleaseLabel], policy: tuple[str, str]) -> set[ReleaseTarget]:
    """The rule of targets in its plainest words."""
    made = set()
    for image_id, label_set in {(row.image_id, row.label_set) for row in rows}:
        here = [row for row in rows if (row.image_id, row.label_set) == (image_id, label_set)]
        names = {row.label for row in here} | (set(LABELS) if label_set == "nih" else set())
        for label in names:
            own = [row for row in here if row.label == label]
            state, source, source_id = best(own)
            target = {1: 1, 0: 0, -1: {"ignore": None, "ones": 1, "zeros": 0}[policy[0]]}.get(
                state if state is not None else 7, {"ignore": None, "zeros": 0}[policy[1]]
            )
            speaking = {row.source for row in own if row.state is not None}
            against = state in (0, 1) and any(row.state == 1 - state for row in own)
            made.add(
                ReleaseTarget(
                    image_id, label_set, label, "train", state, target, source, source_id, len(speaking), against
                )
            )
    return made


def best(rows: list[ReleaseLabel]) -> tuple[int | None, str, str]:
    spoken = [(name, False) for name in ("readers", "consensus", "measurement")]
    spoken += [("readers", True), ("report", False), ("alice", False), ("bob", False)]
    silent = [(name, True) for name in ("consensus", "measurement", "report", "alice", "bob")]
    for source, is_silent in spoken + silent:
        for state in (1, -1, 0, None):
            found = [r for r in rows if r.source == source and r.state == state and (r.state is None) == is_silent]
            if found:
                return state, source, min(row.source_id for row in found)
    return None, "", ""


@examples(deadline=None)
@given(said, policies)
def test_the_best_source_that_speaks_decides_and_the_policy_makes_the_target(
    rows: list[ReleaseLabel], policy: tuple[str, str]
) -> None:
    made = list(targets(rows, MAP, {"i1": "train", "i2": "train"}, policy_of(settings(*policy)), ()))
    assert len(set(made)) == len(made)
    assert set(made) == one_by_one(rows, policy)


@examples(deadline=None, max_examples=40)
@given(said, policies)
def test_the_check_follows_the_same_rule(rows: list[ReleaseLabel], policy: tuple[str, str]) -> None:
    made = list(targets(rows, MAP, {"i1": "train", "i2": "train"}, policy_of(settings(*policy)), ()))
    told = {"uncertain": policy[0], "not_mentioned": policy[1]}
    assert list(wrong_targets(as_release(rows, made, told))) == []
    for number, row in enumerate(made[:3]):
        lied = replace(row, state={1: 0, 0: None, -1: 1, None: -1}[row.state])
        assert list(wrong_targets(as_release(rows, [*made[:number], lied, *made[number + 1 :]], told)))


class Made(Opened):
    """A release of two tables, in no folder."""

    told: dict[str, str]

    def __post_init__(self) -> None:
        pass

    @property
    def settings(self) -> dict[str, str]:
        return self.told


def as_release(labels: list[ReleaseLabel], made: list[ReleaseTarget], told: dict[str, str]) -> Opened:
    tables = {"labels": to_arrow(ReleaseLabel, labels), "targets": to_arrow(ReleaseTarget, made)}
    release = Made(Path(), None, {name: pl.DataFrame(table) for name, table in tables.items()})
    release.told = told
    return release


def test_every_label_of_a_set_has_a_target_on_an_image_of_which_the_set_speaks(release: Opened) -> None:
    rows = release.table("targets").group_by("image_id", "label_set").len()
    sizes = {name: len(release.table("label_map").filter(pl.col("label_set") == name)) for name in SETS}
    assert sizes == {"chexpert": 14, "nih": 15, "vindr": 28}
    assert all(size == sizes[name] for _, name, size in rows.rows())
    spoken = release.table("labels").select("image_id", "label_set").unique()
    assert rows.height == spoken.height
    assert set(release.table("targets")["target"]) <= {1, 0, None}


def test_the_fourteen_labels_are_those_that_reports_are_mined_for() -> None:
    assert CHEXPERT_14 == PUBLISHED


# --- trail -------------------------------------------------------------------------------------------------


def test_a_label_is_followed_to_the_click_of_a_reader_and_to_the_words_of_a_report(
    workspace: Workspace, release: Opened
) -> None:
    labels = release.table("labels")
    read = labels.filter(pl.col("source") == "readers").row(0, named=True)
    decision = release.table("decisions").row(by_predicate=pl.col("decision_id") == read["source_id"], named=True)
    events = release.table("annotation_events").filter(pl.col("event_id").is_in(decision["event_ids"]))
    assert sorted(events["reader_id"].unique()) == decision["reader_ids"]
    label = labels.filter(pl.col("source") == "report", pl.col("state") == 1, pl.col("label_set") == "chexpert").join(
        release.table("report_labels").filter(pl.col("mention_ids").list.len() > 0),
        left_on=["source_id", "label"], right_on=["report_id", "label"],
    ).row(0, named=True)  # fmt: skip
    mention = release.table("mentions").row(by_predicate=pl.col("mention_id") == label["mention_ids"][0], named=True)
    texts = {row.report_id: row.text for row in read_rows(Report, workspace.tables("deid"))}
    assert mention["report_id"] == label["source_id"]
    assert texts[mention["report_id"]][mention["start"] : mention["end"]].strip()
    assert "text" not in release.table("mentions").columns


# --- a hidden test, and what was planted -------------------------------------------------------------------


def test_a_hidden_test_is_in_no_table_of_answers_and_its_answers_are_whole(
    hidden: Opened, workspace: Workspace
) -> None:
    apart = {row["patient_id"] for row in hidden.table("splits").to_dicts() if row["split"] == "test"}
    studies = {row.study_id for row in read_rows(Study, workspace.tables("catalog")) if row.patient_id in apart}
    images = hidden.table("images").filter(pl.col("split") == "test")["image_id"].to_list()
    reports = {r.report_id for r in read_rows(Report, workspace.tables("deid")) if r.patient_id in apart}
    series = {row.series_id for row in read_rows(Series, workspace.tables("catalog")) if row.patient_id in apart}
    secret = apart | studies | set(images) | reports | series
    for name in RECIPE.answers:
        for column in hidden.table(name).iter_columns():
            assert column.dtype != pl.String or not secret & set(column), name
        assert hidden.whole(name).height > hidden.table(name).height, name
    for name in ("labels", "targets"):
        open_rows = hidden.whole(name).filter(~pl.col("image_id").is_in(images))
        assert sorted(open_rows.rows(), key=repr) == sorted(hidden.table(name).rows(), key=repr)
    cases = hidden.table("answers")["assignment_id"].to_list()
    assert set(hidden.table("annotation_events")["assignment_id"]) == set(cases)
    assert broken(hidden, RECIPE) == []


def first(frame: pl.DataFrame, **changed: object) -> pl.DataFrame:
    """A table whose first row has other values."""
    return pl.concat(
        [frame.head(1).with_columns(**{k: pl.lit(v, frame[k].dtype) for k, v in changed.items()}), frame[1:]]
    )


def where(frame: pl.DataFrame, wanted: pl.Expr) -> pl.DataFrame:
    """The rows that are wanted first."""
    return pl.concat([frame.filter(wanted), frame.filter(~wanted.fill_null(False))])


Change = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.mark.parametrize(
    ("table", "change", "fault"),
    [
        ("labels", lambda t: first(t, state=7), "labels: a state is none"),
        ("targets", lambda t: first(t, target=-1), "targets: a target is none"),
        ("labels", lambda t: first(t, image_id="gone"), "labels: an image is not"),
        ("targets", lambda t: first(t, image_id="gone"), "targets: an image is not"),
        ("measurements", lambda t: first(t, view_id="gone"), "measurements: an image is not"),
        ("labels", lambda t: first(t, label="Oedema"), "labels: a label is not in label_map"),
        ("label_map", lambda t: first(t, label="no finding"), "fourteen published"),
        ("label_map", lambda t: t.with_columns(position=-pl.col("position")), "fourteen published"),
        ("targets", lambda t: t[1:], "targets: a label of an image has no row"),
        ("targets", lambda t: pl.concat([t, t[:1]]), "no row, or several"),
        ("targets", lambda t: first(where(t, pl.col("state") == 1), state=0), "does not follow from labels"),
        ("targets", lambda t: first(where(t, pl.col("state") == 1), n_sources=9), "does not follow from labels"),
        ("targets", lambda t: first(where(t, ~pl.col("contradicted")), contradicted=True), "follow from labels"),
        ("targets", lambda t: first(where(t, pl.col("source") == ""), state=1), "of which no label speaks"),
        ("targets", lambda t: first(where(t, pl.col("state") == 1), target=0), "from its state and the policy"),
        ("decisions", lambda t: t[:0], "a source_id of readers is not in decisions"),
        ("consensus", lambda t: t[1:], "a source_id of consensus is not in consensus"),
        ("measurements", lambda t: t[:0], "a source_id of measurement is not in measurements"),
        ("report_labels", lambda t: t[:0], "a source_id of report is not in report_labels"),
        ("opinions", lambda t: t[1:], "a labeler's source_id is not in opinions"),
        ("mentions", lambda t: t[:0], "report_labels: a row of mention_ids is not in mentions"),
        ("report_links", lambda t: t[1:], "report_labels: a row of report_id is not in report_links"),
        ("ct_outlines", lambda t: t[:0], "consensus: a row of object_ids is not in ct_outlines"),
        ("answers", lambda t: t[:0], "decisions: a row of event_ids is not in answers"),
        ("annotation_events", lambda t: t[1:], "answers: a row of event_id is not in annotation_events"),
    ],
)
def test_the_checks_name_what_was_planted(release: Opened, table: str, change: Change, fault: str) -> None:
    assert broken(release, RECIPE) == []
    copy = planted(release, **{table: change(release.table(table))})
    assert any(fault in line for line in broken(copy, RECIPE)), broken(copy, RECIPE)
