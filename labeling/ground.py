"""Ground: where the findings of a report lie in an image, as anatomy masks of projected views.

Reads ``mentions`` (mine), ``reports`` (deid), ``report_links`` and ``series`` (catalog), ``views`` and ``masks``
(project). Writes ``groundings``.

A report of a study is placed on the views of that study and on nobody else's. A report from a source without images
(no accession number) is placed on the reference atlas: the views of one CT of another person, for orientation only, and
marked ``atlas``. Which anatomy a finding lies in is data: ``rules/grounding.tsv``. Readers' marks are not anatomy.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import pyarrow.parquet as pq

from curation.errors import Rejected
from curation.records import Grounding, Mask, Mention, Reason, Record, Report, ReportLink, Series, View
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace
from labeling.lexicon import read_rules

STUDY, ATLAS = "study", "atlas"
ANY = "*"

Box = tuple[int, ...]
Views = tuple[tuple[str, dict[str, Box]], ...]
"""Views by id, each with the box of every anatomy label that has a mask on it."""
Alternatives = tuple[tuple[str, ...], ...]
"""Labels that are marked together, first choice first."""


@dataclass(frozen=True)
class GroundRule:
    """A row of ``rules/grounding.tsv``."""

    rule_id: str
    findings: frozenset[str]
    places: frozenset[str]
    sided: Alternatives
    unsided: Alternatives

    def speaks_of(self, finding: str) -> bool:
        """Whether the rule is about a finding."""
        return finding in self.findings or ANY in self.findings


@cache
def ground_rules() -> tuple[GroundRule, ...]:
    """The rules, in order."""
    return tuple(
        GroundRule(
            rule_id=row["rule_id"],
            findings=frozenset(row["findings"].split()),
            places=frozenset(row["places"].split()),
            sided=_alternatives(row["sided"]),
            unsided=_alternatives(row["unsided"]),
        )
        for row in read_rules("grounding")
    )


def _alternatives(cell: str) -> Alternatives:
    return tuple(tuple(label.strip() for label in group.split("+")) for group in cell.split("|"))


def rules_for(finding: str, location: Iterable[str]) -> list[GroundRule]:
    """The rules that place a finding: one that no place overrides, else those of its places, else its default.

    A place is used once, by the first rule that names it: "posterior 5th rib" is not also a 5th rib at large.
    """
    about = [rule for rule in ground_rules() if rule.speaks_of(finding)]
    fixed = [rule for rule in about if ANY in rule.places]
    if fixed:
        return fixed[:1]
    here, used, chosen = set(location), set[str](), []
    for rule in about:
        if rule.places and rule.places <= here and not rule.places <= used:
            used |= rule.places
            chosen.append(rule)
    return chosen or [rule for rule in about if not rule.places][:1]


def labels_for(rule: GroundRule, laterality: str, available: Mapping[str, object]) -> list[str]:
    """The labels of the first alternative that a view has masks for, on each side that is meant; may be empty."""
    if not laterality:
        return _first(rule.unsided, available)
    sides = ("left", "right") if laterality == "bilateral" else (laterality,)
    labels = []
    for side in sides:
        sided = tuple(tuple(label.format(side=side) for label in group) for group in rule.sided)
        labels += _first(sided, available)
    return labels


def _first(alternatives: Alternatives, available: Mapping[str, object]) -> list[str]:
    return next((list(group) for group in alternatives if all(label in available for label in group)), [])


def place(mention: Mention, views: Views, reference: str) -> Iterator[Grounding]:
    """Every label of a mention on every view that has it."""
    rules = rules_for(mention.finding, mention.location)
    for view_id, boxes in views:
        for label in sorted({label for rule in rules for label in labels_for(rule, mention.laterality, boxes)}):
            yield Grounding(
                mention_id=mention.mention_id,
                view_id=view_id,
                label=label,
                reference=reference,
                report_id=mention.report_id,
                finding=mention.finding,
                assertion=mention.assertion,
                box=boxes[label],
            )


# --- the stage -------------------------------------------------------------------------------------------


def plan(workspace: Workspace) -> list[Item]:
    """One item per report with a mention of an asked assertion."""
    settings = workspace.settings.ground
    mentions: dict[str, list[Mention]] = defaultdict(list)
    for mention in read_rows(Mention, workspace.tables("mine")):
        if mention.assertion.value in settings.assertions:
            mentions[mention.report_id].append(mention)
    by_study, atlas = _candidates(workspace)
    study_of = {link.report_id: link.study_id for link in read_rows(ReportLink, workspace.tables("catalog"))}
    marks = {id(views): digest(views) for views in (*by_study.values(), atlas)}
    items = []
    for report in read_rows(Report, workspace.tables("deid")):
        said = mentions.get(report.report_id)
        if not said:
            continue
        reference, views = STUDY, by_study.get(study_of.get(report.report_id, ""), ())
        if settings.atlas and not report.accession_id and report.report_id not in study_of:
            reference, views = ATLAS, atlas
        mark = marks.get(id(views), "")
        items.append(Item(report.report_id, digest(said, reference, mark), (tuple(said), reference, views)))
    return items


def _candidates(workspace: Workspace) -> tuple[dict[str, Views], Views]:
    """The views of each study, and those of the atlas: the CT with the smallest series_id."""
    study_of = {series.series_id: series.study_id for series in read_rows(Series, workspace.tables("catalog"))}
    boxes = _boxes(workspace)
    by_series: dict[str, list[tuple[str, dict[str, Box]]]] = defaultdict(list)
    for view in read_rows(View, workspace.tables("project")):
        if view.view_id in boxes:
            by_series[view.series_id].append((view.view_id, boxes[view.view_id]))
    by_study: dict[str, Views] = {}
    for series_id, views in sorted(by_series.items()):
        study_id = study_of.get(series_id, "")
        by_study[study_id] = (*by_study.get(study_id, ()), *views)
    return by_study, tuple(by_series[min(by_series)]) if by_series else ()


def _boxes(workspace: Workspace) -> dict[str, dict[str, Box]]:
    """View to label to box, of anatomy masks only; run lengths are not read."""
    boxes: dict[str, dict[str, Box]] = defaultdict(dict)
    for part in sorted((workspace.tables("project") / Mask.about.name).glob("*.parquet")):
        table = pq.read_table(part, columns=["view_id", "label", "source", "box"])
        for view_id, label, source, box in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if source != "consensus":
                boxes[view_id][label] = tuple(box)
    return boxes


def one(batch: Batch, item: Item) -> Iterator[Record]:  # noqa: ARG001 - a stage's signature
    """The groundings of one report."""
    mentions, reference, views = item.payload
    if not views:
        raise Rejected(Reason.NO_VIEW, "expected a projected view of the report's own study, or an atlas; got none")
    rows = [row for mention in mentions for row in place(mention, views, reference)]
    if not rows:
        raise Rejected(Reason.NO_ANATOMY, f"expected a rule and a mask for one of {len(mentions)} mentions; got none")
    yield from rows


STAGE = Stage(
    name="ground",
    writes=(Grounding,),
    plan=plan,
    one=one,
)
