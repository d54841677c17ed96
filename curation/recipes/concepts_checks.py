"""What the ``concepts`` recipe promises, proved from the release's own tables."""

from collections.abc import Iterator

import polars as pl

from curation.records import NOT_NOW, PATIENT, Assertion
from curation.release.opened import Opened

STRENGTH = {Assertion.ABSENT.value: 0, Assertion.UNCERTAIN.value: 1, Assertion.PRESENT.value: 2}
"""The strongest of a concept's current mentions decides its state."""
STATES = {0: 0, 1: -1, 2: 1}
"""State by strength."""
_CELL = ["report_id", "concept_id"]
_RANKING = ["query_id", "anatomy"]


def wrong_reports(release: Opened) -> Iterator[str]:
    """Texts of another length than is said, passed on without leave or missing, and near duplicates in two splits."""
    reports = release.whole("reports")
    allowed = pl.col("licence").is_in(release.settings["text_licences"])
    if reports.filter(pl.col("text").str.len_chars() != pl.col("n_characters")).height:
        yield "reports: n_characters is not the length of the text"
    if reports.filter(pl.col("text").is_not_null() & ~allowed).height:
        yield "reports: words of a report whose licence does not allow to pass them on"
    if reports.filter(pl.col("text").is_null() & allowed).height:
        yield "reports: a text is missing that may be passed on"
    if reports.group_by("duplicate_group").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).height:
        yield "reports: reports that say nearly the same stand in more than one split"


def wrong_spans(release: Opened) -> Iterator[str]:
    """Mentions that do not lie inside their report, or whose words are not the report's; both count characters."""
    texts = release.whole("reports").select("report_id", "n_characters", report_text="text")
    mentions = release.whole("mentions").join(texts, on="report_id", how="inner")
    start, end = pl.col("start"), pl.col("end")
    inside = mentions.filter((start >= 0) & (start < end) & (end <= pl.col("n_characters")))
    if inside.height < mentions.height:
        yield "mentions: a span does not lie inside its report"
    there = pl.col("report_text").str.slice(start, end - start)
    if not inside.select(there.eq_missing(pl.col("text")).all()).item():
        yield "mentions: text is not the report's characters from start to end"


def strangers(release: Opened) -> Iterator[str]:
    """Rows of reports that are not there, or of another patient or split than their report."""
    reports = release.whole("reports").select("report_id", "patient_id", "split")
    for table in ("mentions", "concept_labels", "concept_links"):
        if release.whole(table).join(reports, on="report_id", how="anti").height:
            yield f"{table}: a report is not in reports"
    for table in ("mentions", "concept_labels"):
        rows = release.whole(table).join(reports, on="report_id", suffix="_there")
        if rows.filter((pl.col("patient_id") != pl.col("patient_id_there")) | _other("split", "split_there")).height:
            yield f"{table}: a row has another patient or split than its report"


def _other(one: str, there: str) -> pl.Expr:
    return pl.col(one) != pl.col(there)


def wrong_concepts(release: Opened) -> Iterator[str]:
    """Concepts that ``concepts`` does not have, and codes that it has otherwise."""
    concepts = release.table("concepts").select("concept_id", there="cui", tui_there="semantic_type")
    known = concepts["concept_id"].implode()
    mentions, labels = release.whole("mentions"), release.whole("concept_labels")
    for table, rows in (("mentions", mentions), ("concept_labels", labels)):
        if not rows["concept_id"].is_in(known).all():
            yield f"{table}: a concept is not in concepts"
        if rows.join(concepts, on="concept_id").filter(_other("cui", "there")).height:
            yield f"{table}: a cui is not that of concepts"
    if mentions.join(concepts, on="concept_id").filter(_other("tui", "tui_there")).height:
        yield "mentions: a tui is not that of concepts"


def wrong_labels(release: Opened) -> Iterator[str]:
    """Labels of concepts that do not follow from the current mentions."""
    mentions = release.whole("mentions")
    if mentions.filter(pl.col("negated") != (pl.col("assertion") == Assertion.ABSENT.value)).height:
        yield "mentions: negated is not that the concept is absent"
    now = (pl.col("experiencer") == PATIENT) & ~pl.col("temporality").is_in([one.value for one in NOT_NOW])
    strength = pl.col("assertion").replace_strict(STRENGTH, default=None, return_dtype=pl.Int64)
    deciding = mentions.filter(now).with_columns(strength=strength)
    deciding = deciding.filter(pl.col("strength") == pl.col("strength").max().over(_CELL))
    expected = deciding.group_by(_CELL).agg(
        state=pl.col("strength").first().replace_strict(STATES, return_dtype=pl.Int64),
        mention_ids=pl.col("mention_id").sort(),
    )
    labels = release.whole("concept_labels").select(expected.columns)
    if not labels.sort(_CELL).equals(expected.sort(_CELL)):
        yield "concept_labels: a state or its mentions do not follow from the current mentions"


def wrong_ranks(release: Opened) -> Iterator[str]:
    """Ranks that are not 1, 2, 3 … without gap, scores outside 0 to 1 or that rise, candidates twice."""
    similar = release.whole("similar").sort(*_RANKING, "rank")
    counted = pl.int_range(1, pl.len() + 1).over(_RANKING)
    if not similar.select((pl.col("rank") == counted).all()).item():
        yield "similar: ranks are not 1, 2, 3 … for each query and part of the body"
    if not similar["score"].is_between(0, 1).all():
        yield "similar: a score is not between 0 and 1"
    if similar.filter(pl.col("score") > pl.col("score").shift(1).over(_RANKING)).height:
        yield "similar: a score is higher than one of a better rank"
    if similar.select(*_RANKING, "candidate_id").is_duplicated().any():
        yield "similar: a candidate stands twice for one query and part of the body"


def wrong_neighbours(release: Opened) -> Iterator[str]:
    """Neighbours that are not in the release, of the query's own patient, or under another split than theirs."""
    reports = release.whole("reports").select("report_id", "patient_id", "split")
    similar = release.whole("similar")
    query = reports.rename({"patient_id": "query_patient", "split": "query_there"})
    candidate = reports.rename({"patient_id": "candidate_patient", "split": "candidate_there"})
    both = similar.join(query, left_on="query_id", right_on="report_id")
    both = both.join(candidate, left_on="candidate_id", right_on="report_id")
    if both.height < similar.height:
        yield "similar: a query or candidate is not in reports"
    if both.filter(pl.col("query_patient") == pl.col("candidate_patient")).height:
        yield "similar: a candidate is a report of the query's own patient"
    if both.filter(_other("query_split", "query_there") | _other("candidate_split", "candidate_there")).height:
        yield "similar: a split is not that of the report"


CHECKS = (wrong_reports, wrong_spans, strangers, wrong_concepts, wrong_labels, wrong_ranks, wrong_neighbours)
