"""Tables of mine, similar and ground."""

from dataclasses import dataclass
from typing import Annotated

from curation.records.schema import Column, Record, table
from curation.records.values import CHEXPERT, NOT_NOW, PATIENT, Assertion, Says, Temporality


@table("sections", "mine", "one section of one report")
@dataclass(frozen=True, slots=True)
class Section(Record):
    """A section; sections cover the text without gap or overlap."""

    report_id: Annotated[str, Column("report", key=True)]
    position: Annotated[int, Column("0, 1, 2 … in order", key=True)]
    name: Annotated[str, Column("findings, impression, indication, comparison, technique, … or preamble")]
    start: Annotated[int, Column("first character, header included", unit="character")]
    end: Annotated[int, Column("one past the last character", unit="character")]
    body_start: Annotated[int, Column("first character after the header", unit="character")]


@table("mentions", "mine", "one finding named once in one report")
@dataclass(frozen=True, slots=True)
class Mention(Record):
    """A span of text that names a finding, and what the text says of it."""

    mention_id: Annotated[str, Column("report, start and finding", key=True)]
    report_id: Annotated[str, Column("report")]
    section: Annotated[str, Column("section name")]
    sentence_start: Annotated[int, Column("first character of the sentence", unit="character")]
    sentence_end: Annotated[int, Column("one past its last character", unit="character")]
    start: Annotated[int, Column("first character of the mention", unit="character")]
    end: Annotated[int, Column("one past its last character", unit="character")]
    finding: Annotated[str, Column("concept that is named, see concepts, e.g. pleural_effusion")]
    assertion: Annotated[Assertion, Column("present, absent or uncertain")]
    rule_id: Annotated[str, Column("lexicon entry that found it")]
    assertion_rule_id: Annotated[str, Column("rule that decided the assertion")]
    laterality: Annotated[str, Column("left, right, bilateral, or empty")]
    severity: Annotated[str, Column("severity word, or empty")]
    location: Annotated[tuple[str, ...], Column("anatomy words of its clause, as lexicon names, sorted")]
    temporality: Annotated[
        Temporality,
        Column("new, improved, worse, stable, resolved; historical or hypothetical: not of this examination; or empty"),
    ] = Temporality.UNSAID
    experiencer: Annotated[str, Column("patient, or other: somebody of the family")] = PATIENT
    temporality_rule_id: Annotated[str, Column("rule that decided temporality or experiencer; or empty")] = ""
    size_mm: Annotated[float | None, Column("largest extent that its clause gives", unit="mm")] = None
    count_min: Annotated[int | None, Column("how many there are at least, if its clause says so")] = None
    count_max: Annotated[int | None, Column("how many there are at most, if its clause says so")] = None

    @property
    def is_current(self) -> bool:
        """Whether it speaks of this patient in this examination; only such mentions make labels, places and cases."""
        return self.experiencer == PATIENT and self.temporality not in NOT_NOW


@table("report_labels", "mine", "one label of one report")
@dataclass(frozen=True, slots=True)
class ReportLabel(Record):
    """A label of a published set: 1 present, 0 absent, -1 uncertain, null not mentioned.

    Of a tree (padchest) only labels that are mentioned have rows.
    """

    report_id: Annotated[str, Column("report", key=True)]
    label: Annotated[str, Column("label as its set spells it", key=True)]
    state: Annotated[int | None, Column("1, 0, -1 or null")]
    mention_ids: Annotated[tuple[str, ...], Column("mentions that decided it, sorted")]
    label_set: Annotated[str, Column("chexpert, nih, vindr or padchest", key=True)] = CHEXPERT


@table("concepts", "mine", "one concept that a mention may name")
@dataclass(frozen=True, slots=True)
class ConceptRow(Record):
    """A finding, device, disease or place of the lexicon, with the codes of others where they are sure."""

    concept_id: Annotated[str, Column("the finding of mentions, or a place", key=True)]
    name: Annotated[str, Column("plain English")]
    kind: Annotated[str, Column("root, finding, disease, device or anatomy")]
    parents: Annotated[tuple[str, ...], Column("what it is a kind or a part of")]
    semantic_type: Annotated[str, Column("TUI of the UMLS Semantic Network, or empty")]
    cui: Annotated[str, Column("UMLS concept where two open sources agree on its name, or empty")]
    hpo: Annotated[str, Column("Human Phenotype Ontology, or empty")]
    doid: Annotated[str, Column("Disease Ontology, or empty")]
    opposites: Annotated[tuple[str, ...], Column("concepts that exclude it in the same place")]


@table("label_map", "mine", "one label of one label set")
@dataclass(frozen=True, slots=True)
class LabelMapRow(Record):
    """What a published label means here, so that labels of different sets can be set side by side."""

    label_set: Annotated[str, Column("chexpert, nih, vindr or padchest", key=True)]
    label: Annotated[str, Column("label as its set spells it", key=True)]
    position: Annotated[int, Column("0, 1, 2 … in the set's published order")]
    findings: Annotated[tuple[str, ...], Column("findings (see concepts) that give it, sorted")]
    parents: Annotated[tuple[str, ...], Column("labels above it, in a tree")]
    source: Annotated[str, Column("paper that published the set")]


@table("concept_links", "mine", "one concept of the user's dictionary in one report")
@dataclass(frozen=True, slots=True)
class ConceptLink(Record):
    """A phrase of a report and what it may mean by the user's own dictionary (UMLS or a term list)."""

    report_id: Annotated[str, Column("report", key=True)]
    start: Annotated[int, Column("first character of the phrase", unit="character", key=True)]
    position: Annotated[int, Column("0 for the likeliest meaning, then 1, 2", key=True)]
    end: Annotated[int, Column("one past its last character", unit="character")]
    section: Annotated[str, Column("section name")]
    concept_id: Annotated[str, Column("CUI, or the id of a term list")]
    name: Annotated[str, Column("the concept's own name in the dictionary")]
    score: Annotated[float, Column("0 to 1, by type, name, sources and context")]
    assertion: Annotated[Assertion, Column("present, absent or uncertain")]
    assertion_rule_id: Annotated[str, Column("rule that decided the assertion")]
    temporality: Annotated[Temporality, Column("as of mentions")]
    experiencer: Annotated[str, Column("patient, or other")]


@table("groundings", "ground", "one finding placed on one image")
@dataclass(frozen=True, slots=True)
class Grounding(Record):
    """A finding of a report on an anatomy mask of a view of its own study, or of the reference atlas."""

    mention_id: Annotated[str, Column("mention", key=True)]
    view_id: Annotated[str, Column("projection", key=True)]
    label: Annotated[str, Column("anatomy label, see masks", key=True)]
    reference: Annotated[str, Column("study, or atlas: another person's CT, for orientation only")]
    report_id: Annotated[str, Column("report")]
    finding: Annotated[str, Column("concept that is named")]
    assertion: Annotated[Assertion, Column("present, absent or uncertain")]
    box: Annotated[tuple[int, ...], Column("x, y, width, height of the mask", unit="pixel")]
    rule_id: Annotated[str, Column("grounding rule that chose the label")]


@table("sentence_groundings", "ground", "one part of the body that one sentence speaks of, on one image")
@dataclass(frozen=True, slots=True)
class SentenceGrounding(Record):
    """A sentence on an anatomy mask: where its findings lie, and what it names without a finding."""

    report_id: Annotated[str, Column("report", key=True)]
    sentence_start: Annotated[int, Column("first character of the sentence", unit="character", key=True)]
    view_id: Annotated[str, Column("projection", key=True)]
    label: Annotated[str, Column("anatomy label, see masks", key=True)]
    sentence_end: Annotated[int, Column("one past its last character", unit="character")]
    section: Annotated[str, Column("section name")]
    says: Annotated[
        Says,
        Column("of its findings there: present, uncertain or absent; without a finding: normal or unstated"),
    ]
    mention_ids: Annotated[tuple[str, ...], Column("mentions that lie there, sorted")]
    rule_id: Annotated[str, Column("grounding rule that chose the label")]
    reference: Annotated[str, Column("study, or atlas: another person's CT, for orientation only")]
    box: Annotated[tuple[int, ...], Column("x, y, width, height of the mask", unit="pixel")]


# --- similar ---------------------------------------------------------------------------------------------


@table("similar_reports", "similar", "one of the reports nearest to another")
@dataclass(frozen=True, slots=True)
class SimilarReport(Record):
    """A report of another patient that says nearly the same, as a whole or of one part of the body."""

    query_id: Annotated[str, Column("report", key=True)]
    anatomy: Annotated[str, Column("part of the body; empty: the whole report", key=True)]
    rank: Annotated[int, Column("1 is the nearest", key=True)]
    candidate_id: Annotated[str, Column("report of another patient")]
    score: Annotated[float, Column("0 to 1")]
    metric: Annotated[str, Column("name and version of the measure")]
