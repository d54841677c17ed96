"""Route: which reports, images and objects a reader is asked about, and why.

Reads ``reports`` (deid), ``series`` (catalog), ``mentions`` (mine), ``consensus`` and ``agreement`` (consensus),
``views`` and ``masks`` (project), ``measurements`` (measure). Writes ``cases``, and beside them, in ``tasks/``, files
that Label Studio imports as they are: ``<task>.json`` (highest priority first) and its labeling configuration
``<task>.xml``. What makes a case, its weight and its reason are data: ``rules/routing.tsv``.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product, starmap
from typing import Any
from xml.sax.saxutils import quoteattr

import pyarrow.parquet as pq

from curation.findings import name_findings
from curation.records import (
    Agreement,
    Assertion,
    Case,
    Consensus,
    Mask,
    Measurement,
    Mention,
    Record,
    Report,
    Series,
    View,
)
from curation.stage import Batch, Item, Stage
from curation.store import atomic, digest, read_member, read_rows
from curation.workspace import Workspace
from labeling.lexicon import read_rules

LABEL_REVIEW = "label_review"
MEASUREMENT_REVIEW = "measurement_review"
MASK_REVIEW = "mask_review"

HEDGED = "route.hedged"
CONFLICT = "route.conflict"
NEAR_THRESHOLD = "route.near_threshold"
DISAGREEMENT = "route.disagreement"


@dataclass(frozen=True)
class RouteRule:
    """A row of ``rules/routing.tsv``."""

    rule_id: str
    task: str
    weight: float
    reason: str


@cache
def route_rules() -> dict[str, RouteRule]:
    """The rules by id."""
    return {
        row["rule_id"]: RouteRule(row["rule_id"], row["task"], float(row["weight"]), row["reason"])
        for row in read_rules("routing")
    }


# --- what fires: rule id to strength, 0 to 1 ----------------------------------------------


def report_strengths(mentions: Iterable[Mention]) -> dict[str, float]:
    """What a report's mentions ask: more hedged findings, or more findings in conflict, ask louder."""
    said: dict[tuple[str, Assertion], list[Mention]] = defaultdict(list)
    for mention in mentions:
        said[mention.finding, mention.assertion].append(mention)
    hedged = {finding for finding, assertion in said if assertion is Assertion.UNCERTAIN}
    conflicts = {
        finding
        for finding, assertion in said
        if assertion is Assertion.PRESENT
        and any(starmap(_contradict, product(said[finding, assertion], said.get((finding, Assertion.ABSENT), []))))
    }
    return {
        rule_id: 1 - 0.5 ** len(findings) for rule_id, findings in ((HEDGED, hedged), (CONFLICT, conflicts)) if findings
    }


def _contradict(present: Mention, absent: Mention) -> bool:
    """Whether both can not be true: "no large effusion" leaves room for a small one, "no left" for a right one."""
    if absent.severity or (absent.location and absent.location != present.location):
        return False
    return not absent.laterality or absent.laterality == present.laterality


def measurement_strengths(measurements: Iterable[Measurement], margin: float) -> dict[str, float]:
    """How near the nearest measurement of a view is to its threshold, within ``margin`` in the measure's own unit."""
    distances = [abs(row.value - row.threshold) for row in measurements]
    near = [1 - distance / margin if margin else 1.0 for distance in distances if distance <= margin]
    return {NEAR_THRESHOLD: max(near)} if near else {}


def agreement_strengths(agreement: Iterable[Agreement], least: float) -> dict[str, float]:
    """How far the worst pair of readers of an object is below the least accepted Dice coefficient."""
    worst = min((row.dice for row in agreement), default=1.0)
    return {DISAGREEMENT: 1 - worst / least} if worst < least else {}


def case(subject_id: str, patient_id: str, strengths: dict[str, float]) -> Case:
    """The case of a subject for which rules fired; all of one task."""
    fired = [route_rules()[rule_id] for rule_id in sorted(strengths)]
    calm = 1.0
    for rule in fired:
        calm *= 1 - rule.weight * strengths[rule.rule_id]
    task = fired[0].task
    return Case(
        case_id=digest(task, subject_id)[:24],
        task=task,
        subject_id=subject_id,
        patient_id=patient_id,
        priority=round(1 - calm, 4),
        rule_ids=tuple(rule.rule_id for rule in fired),
        reasons=tuple(rule.reason for rule in fired),
    )


# --- the stage -------------------------------------------------------------------------------------------


def plan(workspace: Workspace) -> list[Item]:
    """One item per report, view or object for which a rule fires."""
    cases = [*_report_cases(workspace), *_view_cases(workspace), *_object_cases(workspace)]
    return [Item(f"{row.task}/{row.subject_id}", digest(row), row) for row in cases]


def _report_cases(workspace: Workspace) -> Iterator[Case]:
    patients = {report.report_id: report.patient_id for report in read_rows(Report, workspace.tables("deid"))}
    for report_id, mentions in _by(read_rows(Mention, workspace.tables("mine")), lambda row: row.report_id):
        if strengths := report_strengths(mentions):
            yield case(report_id, patients[report_id], strengths)


def _view_cases(workspace: Workspace) -> Iterator[Case]:
    patients = _patients_of_series(workspace)
    series_of = {view.view_id: view.series_id for view in read_rows(View, workspace.tables("project"))}
    margin = workspace.settings.route.measurement_margin
    for view_id, rows in _by(read_rows(Measurement, workspace.tables("measure")), lambda row: row.view_id):
        if strengths := measurement_strengths(rows, margin):
            yield case(view_id, patients[series_of[view_id]], strengths)


def _object_cases(workspace: Workspace) -> Iterator[Case]:
    patients = _patients_of_series(workspace)
    tables = workspace.tables("consensus")
    series_of = {row.consensus_id: row.series_id for row in read_rows(Consensus, tables)}
    least = workspace.settings.route.min_agreement_dice
    for consensus_id, rows in _by(read_rows(Agreement, tables), lambda row: row.consensus_id):
        if strengths := agreement_strengths(rows, least):
            yield case(consensus_id, patients[series_of[consensus_id]], strengths)


def _patients_of_series(workspace: Workspace) -> dict[str, str]:
    return {row.series_id: row.patient_id for row in read_rows(Series, workspace.tables("catalog"))}


def _by(rows: Iterable[Any], key: Callable[[Any], str]) -> list[tuple[str, list[Any]]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return sorted(groups.items())


def one(batch: Batch, item: Item) -> Iterator[Record]:  # noqa: ARG001 - a stage's signature
    """The case that the plan found."""
    yield item.payload


# --- task files for Label Studio -------------------------------------------------------------------------


def finish(workspace: Workspace) -> None:
    """Write ``tasks/<task>.json`` and ``tasks/<task>.xml``; the same rows give the same bytes.

    An object whose CT was not projected has no image to show: its case stays in the table and out of the file.
    """
    cases = sorted(read_rows(Case, workspace.tables("route")), key=lambda row: (-row.priority, row.case_id))
    for task, (build, config) in _TASKS.items():
        folder = workspace.tables("route") / "tasks"
        with atomic(folder / f"{task}.json") as path, path.open("w", encoding="utf-8") as handle:
            separator = "[\n"
            for made in build(workspace, [row for row in cases if row.task == task]):
                handle.write(separator + json.dumps(made, ensure_ascii=False, sort_keys=True))
                separator = ",\n"
            handle.write("\n]\n" if separator == ",\n" else "[]\n")
        with atomic(folder / f"{task}.xml") as path:
            path.write_text(config(workspace), encoding="utf-8")


def _task(row: Case, data: dict[str, Any], result: list[dict[str, Any]]) -> dict[str, Any]:
    """A Label Studio task; what a list of cases is sorted and filtered by stands in its data."""
    shown = {"case_id": row.case_id, "priority": row.priority, "reasons": "; ".join(row.reasons)}
    meta = {"case_id": row.case_id, "task": row.task, "subject_id": row.subject_id, "rule_ids": list(row.rule_ids)}
    predictions = [{"model_version": "paxflow", "result": result}] if result else []
    return {"data": {**shown, **data}, "meta": meta, "predictions": predictions}


def _label_tasks(workspace: Workspace, cases: list[Case]) -> Iterator[dict[str, Any]]:
    asked = {row.subject_id for row in cases}
    texts = {row.report_id: row.text for row in read_rows(Report, workspace.tables("deid")) if row.report_id in asked}
    mentions: dict[str, list[Mention]] = defaultdict(list)
    for mention in read_rows(Mention, workspace.tables("mine")):
        if mention.report_id in asked:
            mentions[mention.report_id].append(mention)
    for row in cases:
        text = texts[row.subject_id]
        said = sorted(mentions[row.subject_id], key=lambda mention: (mention.start, mention.finding))
        yield _task(row, {"text": text}, [region for mention in said for region in _spans(text, mention)])


def _spans(text: str, mention: Mention) -> Iterator[dict[str, Any]]:
    span = {"start": mention.start, "end": mention.end, "text": text[mention.start : mention.end]}
    for name, kind, value in (
        ("finding", "labels", mention.finding),
        ("assertion", "choices", mention.assertion.value),
    ):
        region = {"id": mention.mention_id, "from_name": name, "to_name": "text", "type": kind}
        yield {**region, "value": {**span, kind: [value]}}


def _measurement_tasks(workspace: Workspace, cases: list[Case]) -> Iterator[dict[str, Any]]:
    views = {row.view_id: row for row in read_rows(View, workspace.tables("project"))}
    measurements = dict(_by(read_rows(Measurement, workspace.tables("measure")), lambda row: row.view_id))
    for row in cases:
        view, measured = views[row.subject_id], measurements[row.subject_id]
        lines = [f"{m.measure} {m.value:g}, threshold {m.threshold:g}" for m in measured]
        regions = [region for m in measured for region in _points(view, m)]
        yield _task(row, {"image": _picture(workspace, view), "measured": "; ".join(lines)}, regions)


def _points(view: View, measurement: Measurement) -> Iterator[dict[str, Any]]:
    """Landmarks as key points: per cent of the image, from pixel centres."""
    xs, ys = measurement.points_px[::2], measurement.points_px[1::2]
    for place, (x, y) in enumerate(zip(xs, ys, strict=True)):
        value = {
            "x": round(100 * (x + 0.5) / view.columns, 4),
            "y": round(100 * (y + 0.5) / view.rows, 4),
            "width": 0.5,
            "keypointlabels": [measurement.measure],
        }
        region_id = digest(measurement.view_id, measurement.measure, place)[:10]
        yield _region(view, region_id, ("landmark", "keypointlabels"), value)


def _mask_tasks(workspace: Workspace, cases: list[Case]) -> Iterator[dict[str, Any]]:
    objects = {row.consensus_id: row for row in read_rows(Consensus, workspace.tables("consensus"))}
    views = dict(_by(read_rows(View, workspace.tables("project")), lambda row: row.series_id))
    boxes = _finding_boxes(workspace)
    by_series = _by(objects.values(), lambda row: row.series_id)
    labels = {found.consensus_id: name for _, rows in by_series for name, found in name_findings(rows).items()}
    for row in cases:
        found = objects[row.subject_id]
        frontal_first = sorted(views.get(found.series_id, []), key=lambda view: (view.view != "PA", view.view_id))
        for view in frontal_first[:1]:
            box = boxes.get((view.view_id, labels.get(found.consensus_id, "")))
            data = {"image": _picture(workspace, view), "finding": found.finding}
            yield _task(row, data, [_rectangle(view, found, box)] if box else [])


def _finding_boxes(workspace: Workspace) -> dict[tuple[str, str], tuple[int, ...]]:
    """Boxes of readers' findings by view and label; run lengths are not read."""
    boxes = {}
    for part in sorted((workspace.tables("project") / Mask.about.name).glob("*.parquet")):
        table = pq.read_table(part, columns=["view_id", "label", "source", "box"])
        for view_id, label, source, box in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if source == "consensus":
                boxes[view_id, label] = tuple(box)
    return boxes


def _rectangle(view: View, found: Consensus, box: tuple[int, ...]) -> dict[str, Any]:
    x, y, width, height = box
    value = {
        "x": round(100 * x / view.columns, 4),
        "y": round(100 * y / view.rows, 4),
        "width": round(100 * width / view.columns, 4),
        "height": round(100 * height / view.rows, 4),
        "rotation": 0,
        "rectanglelabels": [found.finding],
    }
    return _region(view, digest(view.view_id, found.consensus_id)[:10], ("finding", "rectanglelabels"), value)


def _region(view: View, region_id: str, kind: tuple[str, str], value: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": region_id,
        "from_name": kind[0],
        "to_name": "image",
        "type": kind[1],
        "original_width": view.columns,
        "original_height": view.rows,
        "image_rotation": 0,
        "value": value,
    }


def _picture(workspace: Workspace, view: View) -> str:
    """A view's PNG as a data URI, so that a task file needs no file server."""
    png = read_member(workspace.tables("project"), view.shard, view.offset, view.length)
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _elements(tag: str, values: Iterable[str]) -> str:
    return "".join(f"\n    <{tag} value={quoteattr(value)}/>" for value in sorted(set(values)))


def _label_config(workspace: Workspace) -> str:  # noqa: ARG001 - all configurations are asked alike
    findings = [rule["name"] for rule in read_rules("findings")] + [rule["finding"] for rule in read_rules("readings")]
    return f"""<View>
  <Header value="$reasons"/>
  <Labels name="finding" toName="text">{_elements("Label", findings)}
  </Labels>
  <Text name="text" value="$text"/>
  <Choices name="assertion" toName="text" perRegion="true" required="true">{_elements("Choice", Assertion)}
  </Choices>
</View>
"""


def _measurement_config(workspace: Workspace) -> str:
    measures = (row.measure for row in read_rows(Measurement, workspace.tables("measure")))
    return f"""<View>
  <Header value="$reasons"/>
  <Header value="$measured"/>
  <KeyPointLabels name="landmark" toName="image">{_elements("Label", measures)}
  </KeyPointLabels>
  <Image name="image" value="$image" zoom="true"/>
  <Choices name="verdict" toName="image" required="true">
    <Choice value="positive"/>
    <Choice value="negative"/>
    <Choice value="cannot be measured"/>
  </Choices>
</View>
"""


def _mask_config(workspace: Workspace) -> str:
    findings = (row.finding for row in read_rows(Consensus, workspace.tables("consensus")))
    return f"""<View>
  <Header value="$reasons"/>
  <RectangleLabels name="finding" toName="image">{_elements("Label", findings)}
  </RectangleLabels>
  <Image name="image" value="$image" zoom="true"/>
  <Choices name="verdict" toName="image" required="true">
    <Choice value="present"/>
    <Choice value="absent"/>
    <Choice value="uncertain"/>
  </Choices>
</View>
"""


_TASKS: dict[str, tuple[Callable[[Workspace, list[Case]], Iterator[dict[str, Any]]], Callable[[Workspace], str]]] = {
    LABEL_REVIEW: (_label_tasks, _label_config),
    MEASUREMENT_REVIEW: (_measurement_tasks, _measurement_config),
    MASK_REVIEW: (_mask_tasks, _mask_config),
}

STAGE = Stage(
    name="route",
    writes=(Case,),
    plan=plan,
    one=one,
    finish=finish,
)
