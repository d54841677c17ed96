"""The ``concepts`` recipe: spans, labels and neighbours that can be traced and trusted, and checks that see faults."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curation.recipes.concepts import RECIPE
from curation.records import (
    Assertion,
    ConceptLink,
    ConceptRow,
    Mention,
    ReleaseConceptLabel,
    ReleaseMention,
    ReleaseReport,
    ReleaseSimilar,
    Report,
    SimilarReport,
    Temporality,
)
from curation.release.build import build
from curation.release.files import write_json, write_tables
from curation.release.hidden import part
from curation.release.opened import CHECKSUMS, PROVENANCE, Opened
from curation.release.recipe import Tables
from curation.release.shards import Shards
from curation.release.sources import Sources
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling import mine
from labeling.similar import stage as similar
from tests.cohort import cohort, run

pytestmark = pytest.mark.xdist_group("concepts")
ELSEWHERE = "CC-BY-NC-ND-4.0"
SPLITS = {"split": {"train": 0.5, "valid": 0.2, "test": 0.3}}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A cohort with neighbours.

    Every fifth report is under a licence that allows no words to be passed on, and every fourth says nearly what the
    next one says.
    """
    made = cohort(tmp_path_factory.mktemp("concepts"), 24, 1)
    reports = read_rows(Report, made.tables("deid"))
    for number in range(0, len(reports) - 1, 4):
        reports[number] = replace(reports[number], text=reports[number + 1].text + "\nEnd.\n")
    reports = [replace(row, licence=ELSEWHERE) if n % 5 == 0 else row for n, row in enumerate(reports)]
    write_parquet(to_arrow(Report, reports), made.tables("deid") / "reports" / "a.parquet")
    for stage in (mine.STAGE, similar.STAGE):
        run(stage, made)
    first, second, *_ = read_rows(Mention, made.tables("mine"))
    write_parquet(
        to_arrow(ConceptLink, [_link(first, 0.9), _link(first, 0.4, 1), _link(second, 0.5, 0, 1)]), _links(made)
    )
    return made


def _link(row: Mention, score: float, position: int = 0, longer: int = 0) -> ConceptLink:
    return ConceptLink(
        row.report_id, row.start, position, row.end + longer, row.section, f"C900000{position}", "made up", score,
        row.assertion, "rule", Temporality.UNSAID, "patient",
    )  # fmt: skip


def _links(workspace: Workspace) -> Path:
    return workspace.tables("mine") / ConceptLink.about.name / "links.parquet"


def sources_of(workspace: Workspace, folder: Path, **changed: Any) -> Sources:
    settings = workspace.settings.recipes["concepts"]
    settings = type(settings).model_validate(settings.model_dump() | SPLITS | changed)
    return Sources(workspace, settings, Shards(folder))


def rows(made: Tables, name: str) -> Any:
    return made[name][1]


@pytest.fixture(scope="module")
def made(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return RECIPE.tables(sources_of(workspace, tmp_path_factory.mktemp("shards")), ())


def written(made: Tables, folder: Path, sources: Sources) -> Opened:
    """The tables as a release in a folder."""
    write_tables(folder, made)
    write_json(folder / PROVENANCE, {"recipe": RECIPE.name, "parameters": {"recipe": sources.settings.parameters()}})
    return Opened(folder)


@pytest.fixture(scope="module")
def release(workspace: Workspace, made: Tables, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    folder = tmp_path_factory.mktemp("release")
    return written(made, folder, sources_of(workspace, folder))


def broken(release: Opened) -> list[str]:
    return [line for check in RECIPE.checks for line in check(release)]


# --- what is in it ---------------------------------------------------------------------------------------


def test_a_release_breaks_no_promise(release: Opened) -> None:
    assert broken(release) == []


def test_every_table_says_what_a_row_is_and_answers_are_tables(made: Tables) -> None:
    assert made.keys() == RECIPE.about.keys()
    assert set(RECIPE.answers) <= made.keys()
    assert all(rows(made, name) for name in made)


def test_a_mention_leads_back_to_its_words_and_rules(workspace: Workspace, made: Tables) -> None:
    texts = {row.report_id: row for row in read_rows(Report, workspace.tables("deid"))}
    origin = {row.mention_id: row for row in read_rows(Mention, workspace.tables("mine"))}
    withheld = 0
    for row in rows(made, "mentions"):
        report, mention = texts[row.report_id], origin[row.mention_id]
        words = report.text[row.start : row.end]
        assert row.text == (words if report.licence == "LicenseRef-local" else None)
        assert (row.start, row.end, row.concept_id) == (mention.start, mention.end, mention.finding)
        assert row.rule_ids[:2] == (mention.rule_id, mention.assertion_rule_id)
        assert (len(row.rule_ids) == 3) == bool(mention.temporality_rule_id)
        assert row.negated == (row.assertion == "absent")
        withheld += row.text is None
    assert 0 < withheld < len(rows(made, "mentions"))


def test_codes_are_those_of_the_table_of_concepts(workspace: Workspace, made: Tables) -> None:
    concepts = {row.concept_id: row for row in read_rows(ConceptRow, workspace.tables("mine"))}
    for row in rows(made, "mentions"):
        assert (row.cui, row.tui) == (concepts[row.concept_id].cui, concepts[row.concept_id].semantic_type)


def test_codes_of_places_are_those_of_the_table_too(workspace: Workspace, tmp_path: Path) -> None:
    sources = sources_of(workspace, tmp_path)
    coded = [
        replace(row, cui=f"C8{row.concept_id}") if row.kind == "anatomy" else row for row in sources.rows(ConceptRow)
    ]
    sources.rows(ConceptRow)[:] = coded
    mentions = rows(RECIPE.tables(sources, ()), "mentions")
    assert any(row.anatomy for row in mentions)
    for row in mentions:
        assert row.anatomy_cuis == tuple(sorted(f"C8{place}" for place in row.anatomy))


def test_a_linker_score_is_that_of_the_likeliest_meaning_of_the_same_words(workspace: Workspace, made: Tables) -> None:
    first, second, *_ = read_rows(Mention, workspace.tables("mine"))
    scores = {row.mention_id: row.linker_score for row in rows(made, "mentions")}
    same = {
        row.mention_id
        for row in read_rows(Mention, workspace.tables("mine"))
        if (row.report_id, row.start, row.end) == (first.report_id, first.start, first.end)
    }
    assert {scores[name] for name in same} <= {0.9}
    assert {score for name, score in scores.items() if name not in same} == {None}
    assert second.mention_id not in same


def test_labels_are_the_strongest_of_current_mentions(workspace: Workspace, made: Tables) -> None:
    said: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    kept = {row.report_id for row in rows(made, "reports")}
    for row in read_rows(Mention, workspace.tables("mine")):
        now = row.experiencer == "patient" and row.temporality not in ("historical", "hypothetical")
        if now and row.report_id in kept:
            said[row.report_id, row.finding][row.assertion].add(row.mention_id)
    labels = {(row.report_id, row.concept_id): row for row in rows(made, "concept_labels")}
    assert labels.keys() == said.keys()
    for key, by in said.items():
        state = 1 if by["present"] else -1 if by["uncertain"] else 0
        deciding = by["present"] or by["uncertain"] or by["absent"]
        assert (labels[key].state, labels[key].mention_ids) == (state, tuple(sorted(deciding)))
    assert {row.state for row in labels.values()} == {1, 0, -1}


def test_neighbours_that_were_left_out_leave_no_gap(workspace: Workspace, made: Tables) -> None:
    kept = {row.report_id for row in rows(made, "reports")}
    before = read_rows(SimilarReport, workspace.tables("similar"))
    expected = [
        (row.query_id, row.anatomy, row.candidate_id, row.score)
        for row in before
        if {row.query_id, row.candidate_id} <= kept
    ]
    assert [(row.query_id, row.anatomy, row.candidate_id, row.score) for row in rows(made, "similar")] == expected
    assert len(expected) < len(before), "the cohort has near duplicates"


def test_near_duplicates_stand_in_one_split_and_the_others_are_noted(workspace: Workspace, tmp_path: Path) -> None:
    sources = sources_of(workspace, tmp_path)
    made = RECIPE.tables(sources, ())
    reports = {row.report_id: row for row in rows(made, "reports")}
    every = {row.report_id for row in read_rows(Report, workspace.tables("deid"))}
    left = {row.item_id: row for row in sources.left_out.values()}
    assert left
    assert left.keys() == every - reports.keys()
    for row in left.values():
        assert (row.kind, row.reason) == ("report", "near_duplicate_report")
        assert reports[row.twin_id].split != row.split
    groups: dict[str, set[str]] = defaultdict(set)
    for report in reports.values():
        groups[report.duplicate_group].add(report.split)
    assert all(len(splits) == 1 for splits in groups.values())
    for name in ("mentions", "concept_labels", "concept_links"):
        assert {row.report_id for row in rows(made, name)} <= reports.keys()


def test_without_a_dictionary_links_are_an_empty_table(workspace: Workspace, tmp_path: Path) -> None:
    path = _links(workspace)
    aside = path.rename(tmp_path / "links.parquet")
    try:
        made = RECIPE.tables(sources_of(workspace, tmp_path), ())
    finally:
        aside.rename(path)
    assert made["concept_links"] == (ConceptLink, [])
    assert {row.linker_score for row in rows(made, "mentions")} == {None}
    assert broken(written(made, tmp_path / "release", sources_of(workspace, tmp_path))) == []


# --- a hidden test ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hidden(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    folder = tmp_path_factory.mktemp("hidden")
    sources = sources_of(workspace, folder, hidden_test=True)
    made = RECIPE.tables(sources, ())
    passed, apart = part(made, RECIPE.answers, {row.report_id: row.split for row in rows(made, "reports")})
    write_tables(folder / "answers", apart)
    written(passed, folder / "release", sources)
    return Opened(folder / "release", folder / "answers")


def test_a_hidden_test_is_told_by_no_table(hidden: Opened) -> None:
    assert hidden.answers
    secret = set(pl.read_parquet(hidden.answers / "reports.parquet")["report_id"])
    assert secret
    for name in RECIPE.answers:
        table = hidden.table(name)
        for column in {"report_id", "query_id", "candidate_id"} & set(table.columns):
            assert secret.isdisjoint(table[column])
    assert pl.read_parquet(hidden.answers / "similar.parquet")["candidate_split"].n_unique() > 1


def test_a_hidden_test_is_checked_with_its_answers_and_without(hidden: Opened) -> None:
    assert broken(hidden) == []
    assert broken(Opened(hidden.folder)) == []


def test_a_fault_in_the_answers_is_found(hidden: Opened, tmp_path: Path) -> None:
    assert hidden.answers
    for path in hidden.answers.glob("*.parquet"):
        table = pl.read_parquet(path)
        (table.with_columns(state=2 - pl.col("state")) if path.stem == "concept_labels" else table).write_parquet(
            tmp_path / path.name
        )
    assert broken(Opened(hidden.folder, tmp_path)) == [
        "concept_labels: a state or its mentions do not follow from the current mentions"
    ]


# --- as a whole ------------------------------------------------------------------------------------------


def test_a_release_without_images_is_built_alike_each_time(workspace: Workspace, made: Tables) -> None:
    sizes = build(workspace, "concepts")
    folder = workspace.root / "release" / "concepts"
    sums = (folder / CHECKSUMS).read_bytes()
    assert sizes["images"] == 0 < sizes["similar"]
    assert sizes.keys() >= made.keys()
    build(workspace, "concepts")
    assert (folder / CHECKSUMS).read_bytes() == sums


def test_a_release_with_a_hidden_test_is_built_and_holds(workspace: Workspace, tmp_path: Path) -> None:
    shutil.copytree(workspace.root, tmp_path / "workspace")
    params = tmp_path / "workspace" / "params.yaml"
    before, section, after = params.read_text().partition("  concepts:\n")
    after = after.replace("train: 0.8, valid: 0.1, test: 0.1", "train: 0.5, valid: 0.2, test: 0.3", 1)
    params.write_text(before + section + "    hidden_test: true\n" + after)
    build(Workspace(params.parent), "concepts")
    apart = pl.read_parquet(params.parent / "answers" / "concepts" / "similar.parquet")
    assert set(apart["query_split"]) == {"test"}


# --- planted faults --------------------------------------------------------------------------------------

Change = Callable[[pl.DataFrame], pl.DataFrame]


def at_first(**values: Any) -> Change:
    """The first row with other values: an expression, or a value."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        first = pl.int_range(pl.len()) == 0
        given = {name: v if isinstance(v, pl.Expr) else pl.lit(v, table.schema[name]) for name, v in values.items()}
        return table.with_columns(
            pl.when(first).then(value).otherwise(pl.col(name)).alias(name) for name, value in given.items()
        )

    return change


def own_patient(table: pl.DataFrame) -> pl.DataFrame:
    return at_first(candidate_id=pl.col("query_id"), candidate_split=pl.col("query_split"))(table)


FAULTS: Mapping[str, tuple[str, Change, str]] = {
    "a text cut short": ("reports", lambda t: t.with_columns(pl.col("text").str.head(-1)), "n_characters is not"),
    "words without leave": (
        "reports",
        lambda t: t.with_columns(licence=pl.lit(ELSEWHERE)),
        "licence does not allow",
    ),
    "a text lost": ("reports", lambda t: t.with_columns(text=pl.lit(None, pl.String)), "a text is missing"),
    "one group for all": ("reports", lambda t: t.with_columns(duplicate_group=pl.lit("g")), "nearly the same"),
    "a span of nothing": ("mentions", at_first(end=pl.col("start")), "does not lie inside"),
    "a span past the end": ("mentions", at_first(end=1_000_000), "does not lie inside"),
    "a span before the text": ("mentions", at_first(start=-1), "does not lie inside"),
    "a span moved on": (
        "mentions",
        lambda t: t.with_columns(pl.col("start", "end") - 1),
        "text is not the report's characters",
    ),
    "words of a withheld report": (
        "mentions",
        lambda t: t.with_columns(pl.col("text").fill_null("nodule")),
        "text is not the report's characters",
    ),
    "a stranger's mention": ("mentions", at_first(report_id="nobody"), "mentions: a report is not in reports"),
    "a stranger's label": ("concept_labels", at_first(report_id="nobody"), "concept_labels: a report is not in"),
    "a stranger's link": ("concept_links", at_first(report_id="nobody"), "concept_links: a report is not in"),
    "a mention under another patient": ("mentions", at_first(patient_id="p"), "mentions: a row has another patient"),
    "a label in another split": ("concept_labels", at_first(split="none"), "concept_labels: a row has another patient"),
    "an unknown concept": ("mentions", at_first(concept_id="blorb"), "mentions: a concept is not in concepts"),
    "an unknown concept in labels": (
        "concept_labels",
        at_first(concept_id="blorb"),
        "concept_labels: a concept is not",
    ),
    "another cui": ("concept_labels", at_first(cui="C9999999"), "concept_labels: a cui is not"),
    "another cui of a mention": ("mentions", at_first(cui="C9999999"), "mentions: a cui is not"),
    "another tui": ("mentions", at_first(tui="T999"), "a tui is not"),
    "a negation turned": ("mentions", at_first(negated=~pl.col("negated")), "negated is not"),
    "a state turned": ("concept_labels", at_first(state=7), "do not follow from the current mentions"),
    "a label lost": ("concept_labels", lambda t: t.slice(1), "do not follow from the current mentions"),
    "an assertion that is none": ("mentions", at_first(assertion="perhaps"), "do not follow from the current"),
    "a mention that was historical": (
        "mentions",
        lambda t: t.with_columns(temporality=pl.lit("historical")),
        "do not follow from the current",
    ),
    "a gap in the ranks": ("similar", at_first(rank=11), "ranks are not 1, 2, 3"),
    "a score above 1": ("similar", at_first(score=1.5), "a score is not between 0 and 1"),
    "a score that is no number": ("similar", at_first(score=float("nan")), "a score is not between 0 and 1"),
    "scores that rise": (
        "similar",
        lambda t: t.with_columns(score=pl.col("rank") / 100),
        "higher than one of a better",
    ),
    "a candidate twice": (
        "similar",
        lambda t: t.with_columns(pl.col("candidate_id").first().over("query_id", "anatomy")),
        "a candidate stands twice",
    ),
    "a candidate that is not there": ("similar", at_first(candidate_id="nobody"), "query or candidate is not in"),
    "the query itself": ("similar", own_patient, "of the query's own patient"),
    "another split": ("similar", at_first(candidate_split="none"), "a split is not that of the report"),
}


@pytest.mark.parametrize(("table", "change", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_is_found(release: Opened, table: str, change: Change, says: str) -> None:
    changed = Opened(release.folder, None, {table: change(release.table(table))})
    assert any(says in line for line in broken(changed))


def test_what_is_said_of_a_fault_names_tables_and_no_value(release: Opened) -> None:
    values = {name for table in release.names for name in release.table(table).select(pl.col(pl.String)).rows()[0]}
    for table, change, _ in FAULTS.values():
        for line in broken(Opened(release.folder, None, {table: change(release.table(table))})):
            assert line.partition(":")[0] in RECIPE.about
            assert not any(len(value or "") > 12 and value in line for value in values)


def test_records_are_those_of_the_dictionary(made: Tables) -> None:
    records = {name: record for name, (record, _) in made.items()}
    assert records == {
        "reports": ReleaseReport,
        "mentions": ReleaseMention,
        "concept_labels": ReleaseConceptLabel,
        "concepts": ConceptRow,
        "concept_links": ConceptLink,
        "similar": ReleaseSimilar,
    }
    assert {row.assertion for row in rows(made, "mentions")} <= set(Assertion)
