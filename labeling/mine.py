"""Mine: what each report says, as sections, mentions, labels and concepts.

Reads ``reports`` (deid). Writes ``sections``, ``mentions``, ``report_labels``, ``concepts``, ``label_map``, and
``concept_links`` where the user has a dictionary. How a text is read: ``labeling.mining``.
"""

from collections.abc import Iterator, Sequence

from curation.errors import Rejected
from curation.records import (
    ConceptLink,
    ConceptRow,
    LabelMapRow,
    Mention,
    Reason,
    Record,
    Report,
    ReportLabel,
    Section,
)
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace
from labeling.concept_links import links, open_dictionary
from labeling.concepts.table import Concept, concepts
from labeling.labels.sets import giving, label_set
from labeling.mining.reader import Mined, mine_text

VOCABULARY = "concepts"
"""The item beside the reports: the tables of concepts and of labels."""


def plan(workspace: Workspace) -> list[Item]:
    """One item per report, and one for the concepts and labels."""
    dictionary = workspace.settings.mine.dictionary
    if dictionary:
        open_dictionary(dictionary)  # the wrong one stops the run before it begins
    reports = read_rows(Report, workspace.tables("deid"))
    items = [Item(report.report_id, digest(report.text), report.text) for report in reports]
    known = (*vocabulary(), *label_map(workspace.settings.mine.label_sets))
    return [Item(VOCABULARY, digest(known), known), *items]


def one(batch: Batch, item: Item) -> Iterator[Record]:
    """The rows of one report, or of the concepts and labels."""
    if item.name == VOCABULARY:
        yield from item.payload
        return
    text: str = item.payload
    if not text.strip():
        raise Rejected(Reason.EMPTY_REPORT, "expected text, got none or white space")
    yield from rows(item.name, mine_text(text), batch.settings.label_sets)
    if batch.settings.dictionary:
        if "dictionary" not in batch.memo:
            batch.memo["dictionary"] = open_dictionary(batch.settings.dictionary)
        yield from links(item.name, text, batch.memo["dictionary"])


def vocabulary() -> tuple[ConceptRow, ...]:
    """The table of concepts."""
    return tuple(map(_concept_row, concepts().values()))


def label_map(label_sets: Sequence[str]) -> tuple[LabelMapRow, ...]:
    """The table of labels of these sets, and the findings that give each."""
    return tuple(
        LabelMapRow(one.name, label, position, tuple(sorted(findings)), one.parents.get(label, ()), one.source)
        for one in map(label_set, label_sets)
        for position, (label, findings) in enumerate(giving(one).items())
    )


def _concept_row(one: Concept) -> ConceptRow:
    return ConceptRow(
        one.concept_id,
        one.name,
        one.kind,
        one.parents,
        one.semantic_type,
        one.cui,
        one.hpo,
        one.doid,
        one.opposites,
    )


def rows(report_id: str, mined: Mined, label_sets: Sequence[str]) -> Iterator[Record]:
    """What was mined, as the rows of one report."""
    for position, span in enumerate(mined.sections):
        yield Section(report_id, position, span.name, span.start, span.end, span.body_start)
    ids = [digest(report_id, mention.start, mention.finding)[:24] for mention in mined.mentions]
    for mention_id, said in zip(ids, mined.mentions, strict=True):
        yield Mention(
            mention_id=mention_id,
            report_id=report_id,
            section=said.section,
            sentence_start=said.sentence[0],
            sentence_end=said.sentence[1],
            start=said.start,
            end=said.end,
            finding=said.finding,
            assertion=said.assertion,
            temporality=said.temporality,
            experiencer=said.experiencer,
            rule_id=said.rule_id,
            assertion_rule_id=said.assertion_rule_id,
            temporality_rule_id=said.temporality_rule_id,
            laterality=said.laterality,
            severity=said.severity,
            location=said.location,
            size_mm=said.size_mm,
            count_min=said.count_min,
            count_max=said.count_max,
        )
    for name in label_sets:
        labels = label_set(name)
        for label, (state, positions) in mined.states(labels).items():
            if state is not None or not labels.parents:
                yield ReportLabel(report_id, label, state, tuple(sorted(ids[place] for place in positions)), name)


STAGE = Stage(
    name="mine",
    writes=(Section, Mention, ReportLabel, ConceptRow, LabelMapRow, ConceptLink),
    plan=plan,
    one=one,
)
