"""Rows that ask for a reader, and a workspace whose tables hold them."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from curation.records import (
    Assertion,
    Case,
    CtMeasurement,
    CtQuality,
    MaskQuality,
    Measurement,
    Mention,
    Opinion,
    Radiograph,
    Record,
    Report,
    ReportLabel,
    ReportLink,
    Series,
    Task,
    ViewQuality,
)
from curation.store import to_arrow, write_parquet
from curation.workspace import Workspace
from labeling.routing.signals import Signal
from tests import rows as made_rows
from tests.builders import workspace_at

P, A, U = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN


def mention(finding: str, assertion: Assertion, section: str = "findings", **changed: Any) -> Mention:
    name = f"{finding}-{assertion.value}-{section}-{sorted(changed.items())}"
    made = Mention(name, "r1", section, 10, 25, 19, 24, finding, assertion, "f", "a", "", "", ())
    return replace(made, **changed)


def measurement(value: float | None, measure: str = "cardiomegaly", view_id: str = "v1", **changed: Any) -> Measurement:
    made = made_rows.measurement(view_id, measure, value or 0.0, 0.5, ())
    return replace(made, value=value, **changed)


def on_ct(value: float | None, measure: str = "cardiomegaly", unit: str = "1", series_id: str = "s1") -> CtMeasurement:
    return CtMeasurement(series_id, measure, value, unit, (), (), (), "")


def scan(score: float = 1.0, series_id: str = "s1") -> CtQuality:
    return CtQuality(series_id, score, (), "up", "supine", "none", 1.0, 0.0, True)


def judged_view(score: float, *reasons: str, view_id: str = "v1", absent: tuple[str, ...] = ()) -> ViewQuality:
    return ViewQuality(view_id, score, reasons, "as_is", absent, 0.0)


def judged_mask(label: str, priority: float, view_id: str = "v1") -> MaskQuality:
    return MaskQuality(view_id, label, 1.0, (), priority, 1, 1.0, 0, 0.0, (), 1.0)


def said(label: str, state: int | None, source: str = "one", subject_id: str = "r1") -> Opinion:
    return Opinion(source, subject_id, label, state, None)


def thought(label: str, probability: float, source: str = "model", subject_id: str = "v1") -> Opinion:
    return Opinion(source, subject_id, label, int(probability >= 0.5), probability)


def report(report_id: str, patient_id: str) -> Report:
    return Report(report_id, patient_id, "", None, "local", "LicenseRef-local", "FINDINGS: Possible edema.")


def report_labels(report_id: str, **states: int | None) -> list[ReportLabel]:
    return [ReportLabel(report_id, label.replace("_", " "), state, ()) for label, state in states.items()]


def series(series_id: str, study_id: str, patient_id: str, modality: str = "CT") -> Series:
    return Series(series_id, study_id, patient_id, modality, 20, (20, 4, 4), (1.0, 1.0, 1.0), (), (), ())


def radiograph(instance_id: str, series_id: str, view: str = "PA") -> Radiograph:
    return Radiograph(instance_id, series_id, view, "MONOCHROME2", 4, 4)


def link(report_id: str, study_id: str) -> ReportLink:
    return ReportLink(report_id, study_id)


def asked(case_id: str, priority: float, patient_id: str = "", finding: str = "", rule_id: str = "") -> Case:
    found, rules = ((finding,) if finding else ()), ((rule_id,) if rule_id else ())
    return Case(
        case_id, Task.LABEL_REVIEW, f"r-{case_id}", patient_id or case_id, priority, priority, 0.0, found, rules, ()
    )


def rounded(signals: Iterable[Signal]) -> list[Signal]:
    """Signals whose strengths can be compared."""
    return [one._replace(strength=round(one.strength, 6)) for one in signals]


def written(workspace: Workspace, rows: Iterable[Record]) -> None:
    """Write rows where their stages would have."""
    by_type: dict[type[Record], list[Record]] = {}
    for row in rows:
        by_type.setdefault(type(row), []).append(row)
    for record, own in by_type.items():
        folder = workspace.tables(record.about.stage) / record.about.name
        write_parquet(to_arrow(record, own), folder / "a.parquet")


def workspace_of(tmp_path: Path, rows: Iterable[Record]) -> Workspace:
    workspace = workspace_at(tmp_path)
    written(workspace, rows)
    return workspace
