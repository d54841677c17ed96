"""The ``concepts`` recipe: what reports say, span by span and concept by concept, and which reports are near to which.

It has no images. Reports under licences that the recipe does not name keep their offsets and lose their words.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from curation.recipes.concepts_checks import CHECKS
from curation.recipes.studies import Reports
from curation.records import (
    Assertion,
    ConceptLink,
    ConceptRow,
    Mention,
    ReleaseConceptLabel,
    ReleaseImage,
    ReleaseMention,
    ReleaseReport,
    ReleaseSimilar,
    Report,
    SimilarReport,
)
from curation.release.hidden import HIDDEN
from curation.release.recipe import Recipe, Tables
from curation.release.sources import Sources

_STATES = {Assertion.PRESENT: 1, Assertion.UNCERTAIN: -1, Assertion.ABSENT: 0}
"""The first of these that a current mention says is the concept's state."""
Kept = Mapping[str, Report]
"""The reports of the release."""


def tables(sources: Sources, _: Sequence[ReleaseImage]) -> Tables:
    """The recipe's own tables beside the spine, by file name."""
    reports = Reports(sources)
    kept = {row.report_id: row for row in reports.kept}
    return {
        "reports": (ReleaseReport, list(reports.listed())),
        "mentions": (ReleaseMention, list(_mentions(sources, reports, kept))),
        "concept_labels": (ReleaseConceptLabel, list(_labels(sources, kept))),
        "concepts": (ConceptRow, sources.rows(ConceptRow)),
        "concept_links": (ConceptLink, [row for row in sources.rows(ConceptLink) if row.report_id in kept]),
        "similar": (ReleaseSimilar, list(_similar(sources, kept))),
    }


def _mentions(sources: Sources, reports: Reports, kept: Kept) -> Iterator[ReleaseMention]:
    concepts = {row.concept_id: row for row in sources.rows(ConceptRow)}
    cuis = {row.concept_id: row.cui for row in concepts.values() if row.cui}
    likeliest = (row for row in sources.rows(ConceptLink) if row.position == 0)
    scores = {(row.report_id, row.start, row.end): row.score for row in likeliest}
    for row in sources.rows(Mention):
        if row.report_id in kept:
            patient_id = kept[row.report_id].patient_id
            concept = concepts[row.finding]
            rule_ids = (row.rule_id, row.assertion_rule_id, row.temporality_rule_id)
            yield ReleaseMention(
                mention_id=row.mention_id,
                report_id=row.report_id,
                patient_id=patient_id,
                split=sources.split_of(patient_id),
                section=row.section,
                start=row.start,
                end=row.end,
                text=reports.words.words(row.report_id, row.start, row.end),
                concept_id=row.finding,
                cui=concept.cui,
                tui=concept.semantic_type,
                linker_score=scores.get((row.report_id, row.start, row.end)),
                assertion=row.assertion,
                negated=row.assertion is Assertion.ABSENT,
                temporality=row.temporality,
                experiencer=row.experiencer,
                laterality=row.laterality,
                severity=row.severity,
                anatomy=row.location,
                anatomy_cuis=tuple(sorted({cuis[place] for place in row.location if place in cuis})),
                rule_ids=tuple(filter(None, rule_ids)),
            )


def _labels(sources: Sources, kept: Kept) -> Iterator[ReleaseConceptLabel]:
    """What each report says of each concept that its current mentions name."""
    cuis = {row.concept_id: row.cui for row in sources.rows(ConceptRow)}
    named: dict[tuple[str, str], list[Mention]] = defaultdict(list)
    for row in sources.rows(Mention):
        if row.is_current and row.report_id in kept:
            named[row.report_id, row.finding].append(row)
    for (report_id, concept_id), rows in sorted(named.items()):
        said = next(one for one in _STATES if any(row.assertion is one for row in rows))
        patient_id = kept[report_id].patient_id
        yield ReleaseConceptLabel(
            report_id=report_id,
            concept_id=concept_id,
            patient_id=patient_id,
            split=sources.split_of(patient_id),
            cui=cuis[concept_id],
            state=_STATES[said],
            mention_ids=tuple(sorted(row.mention_id for row in rows if row.assertion is said)),
        )


def _similar(sources: Sources, kept: Kept) -> Iterator[ReleaseSimilar]:
    """Neighbours within the release, ranked anew. That a hidden report is like another would tell what it says."""
    splits = {name: sources.split_of(row.patient_id) for name, row in kept.items()}
    hides = sources.settings.hidden_test

    def is_shown(row: SimilarReport) -> bool:
        query, candidate = splits.get(row.query_id), splits.get(row.candidate_id)
        tells = hides and candidate == HIDDEN != query
        return query is not None and candidate is not None and not tells

    shown = filter(is_shown, sources.rows(SimilarReport))
    for _, near in groupby(shown, key=lambda row: (row.query_id, row.anatomy)):
        for rank, row in enumerate(near, start=1):
            yield ReleaseSimilar(
                query_id=row.query_id,
                anatomy=row.anatomy,
                rank=rank,
                candidate_id=row.candidate_id,
                score=row.score,
                metric=row.metric,
                query_split=splits[row.query_id],
                candidate_split=splits[row.candidate_id],
            )


RECIPE = Recipe(
    name="concepts",
    tags=("chest-x-ray", "radiology-reports", "concept-extraction", "sentence-similarity"),
    kinds=(),
    about={
        "reports": "one report: its clean text where its licence allows, and the reports that say nearly the same",
        "mentions": "one span that names a concept: what is said of it, and by which rules; offsets into `reports`",
        "concept_labels": "one concept in one report: 1 present, 0 absent, -1 uncertain, and the mentions that say so",
        "concepts": "one concept or place, with its parents, and the codes of others where they are sure",
        "concept_links": "one concept of the data owner's dictionary in one report; empty without a dictionary",
        "similar": (
            "one near report for one report, by rank: as a whole, or of what both say of the lung, pleura, mediastinum "
            "(with the heart), bone or any device"
        ),
    },
    tables=tables,
    answers=("reports", "mentions", "concept_labels", "concept_links", "similar"),
    checks=CHECKS,
)
