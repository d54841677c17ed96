"""Task files for Label Studio: what a reader is shown of each case, and asked.

Beside the ``cases`` of ``route``, in ``tasks/``, each task has a file that Label Studio imports as it is,
``<task>.json`` (highest priority first), and its labeling configuration ``<task>.xml``.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

import pyarrow.parquet as pq

from curation.findings import name_findings
from curation.records import Assertion, Case, Consensus, Mask, MaskQuality, Measurement, Mention, Report, View
from curation.store import atomic, digest, read_member, read_rows
from curation.workspace import Workspace
from labeling.mining.lexicon import read_rules

LABEL_REVIEW = "label_review"
MEASUREMENT_REVIEW = "measurement_review"
MASK_REVIEW = "mask_review"
PROJECTION_REVIEW = "projection_review"
_MOST_MASKS = 10
"""Masks of a view that a reader is shown at once, those most worth correcting."""


def grouped(rows: Iterable[Any], key: Callable[[Any], str]) -> list[tuple[str, list[Any]]]:
    """Rows by key, in the order of the keys."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return sorted(groups.items())


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
        if mention.report_id in asked and mention.is_current:
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
    measurements = dict(grouped(read_rows(Measurement, workspace.tables("measure")), lambda row: row.view_id))
    for row in cases:
        view, measured = views[row.subject_id], measurements[row.subject_id]
        lines = [_measured(m) for m in measured if m.value is not None]
        regions = [region for m in measured for region in _points(view, m)]
        yield _task(row, {"image": _picture(workspace, view), "measured": "; ".join(lines)}, regions)


def _measured(row: Measurement) -> str:
    limits = " to ".join(f"{limit:g}" for limit in row.thresholds)
    return f"{row.measure} {row.value:g} ({row.verdict}), limit {limits}"


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
    views = dict(grouped(read_rows(View, workspace.tables("project")), lambda row: row.series_id))
    boxes = _finding_boxes(workspace)
    by_series = grouped(objects.values(), lambda row: row.series_id)
    labels = {found.consensus_id: name for _, rows in by_series for name, found in name_findings(rows).items()}
    for row in cases:
        found = objects[row.subject_id]
        frontal_first = sorted(views.get(found.series_id, []), key=lambda view: (view.view != "PA", view.view_id))
        for view in frontal_first[:1]:
            box = boxes.get((view.view_id, labels.get(found.consensus_id, "")))
            data = {"image": _picture(workspace, view), "finding": found.finding}
            yield _task(row, data, [_rectangle(view, found, box)] if box else [])


def _projection_tasks(workspace: Workspace, cases: list[Case]) -> Iterator[dict[str, Any]]:
    folder = workspace.tables("project")
    views = {row.view_id: row for row in read_rows(View, folder)}
    asked = {row.subject_id for row in cases}
    flawed: dict[str, list[MaskQuality]] = defaultdict(list)
    for row in read_rows(MaskQuality, folder):
        if row.view_id in asked and row.priority > 0:
            flawed[row.view_id].append(row)
    boxes = {(row.view_id, row.label): row.box for row in read_rows(Mask, folder) if row.view_id in asked}
    for made in cases:
        view = views[made.subject_id]
        first = sorted(flawed[view.view_id], key=lambda row: (-row.priority, row.label))[:_MOST_MASKS]
        lines = "; ".join(f"{row.label}: {', '.join(row.flags)}" for row in first)
        regions = [_box(view, row.label, row.label, boxes[view.view_id, row.label]) for row in first]
        yield _task(made, {"image": _picture(workspace, view), "flawed": lines}, regions)


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
    return _box(view, found.consensus_id, found.finding, box)


def _box(view: View, name: str, label: str, box: tuple[int, ...]) -> dict[str, Any]:
    x, y, width, height = box
    value = {
        "x": round(100 * x / view.columns, 4),
        "y": round(100 * y / view.rows, 4),
        "width": round(100 * width / view.columns, 4),
        "height": round(100 * height / view.rows, 4),
        "rotation": 0,
        "rectanglelabels": [label],
    }
    return _region(view, digest(view.view_id, name)[:10], ("finding", "rectanglelabels"), value)


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


def _projection_config(workspace: Workspace) -> str:
    labels = (row.label for row in read_rows(MaskQuality, workspace.tables("project")) if row.priority > 0)
    return f"""<View>
  <Header value="$reasons"/>
  <Header value="$flawed"/>
  <RectangleLabels name="finding" toName="image">{_elements("Label", labels)}
  </RectangleLabels>
  <Image name="image" value="$image" zoom="true"/>
  <Choices name="verdict" toName="image" required="true">
    <Choice value="masks are right"/>
    <Choice value="masks need correction"/>
    <Choice value="view cannot be used"/>
  </Choices>
</View>
"""


_TASKS: dict[str, tuple[Callable[[Workspace, list[Case]], Iterator[dict[str, Any]]], Callable[[Workspace], str]]] = {
    LABEL_REVIEW: (_label_tasks, _label_config),
    MEASUREMENT_REVIEW: (_measurement_tasks, _measurement_config),
    MASK_REVIEW: (_mask_tasks, _mask_config),
    PROJECTION_REVIEW: (_projection_tasks, _projection_config),
}
