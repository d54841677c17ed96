"""Rows that ask for a reader, and the workspace that ``route`` made of them."""

import json
from pathlib import Path
from typing import Any

from curation.records import (
    Agreement,
    Assertion,
    Consensus,
    CtQuality,
    Mask,
    MaskQuality,
    Measurement,
    Mention,
    Record,
    Report,
    Series,
    View,
    ViewQuality,
)
from curation.stage import prepare, run_batch
from curation.store import ShardWriter, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling.route import STAGE
from labeling.tasks import finish
from tests import rows as made_rows
from tests.builders import workspace_at
from tests.rows import PNG, view

P, A, U = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN
TEXT = "FINDINGS: Possible edema. Heart normal."


def mention(
    finding: str, assertion: Assertion, side: str = "", severity: str = "", start: int = 19, end: int = 24
) -> Mention:
    name = f"{finding}-{assertion.value}-{side}"
    return Mention(name, "r1", "findings", 10, 25, start, end, finding, assertion, "f", "a", side, severity, ())


def measurement(value: float) -> Measurement:
    return made_rows.measurement("v1", "cardiomegaly", value, 0.5, (0.0, 1.5, 5.0, 1.5))


def scan(score: float = 1.0) -> CtQuality:
    return CtQuality("s1", score, (), "up", "supine", "none", 1.0, 0.0, True)


def judged_view(view_id: str, score: float, *reasons: str) -> ViewQuality:
    return ViewQuality(view_id, score, reasons, "as_is", (), 0.0)


def judged_mask(view_id: str, label: str, priority: float, *flags: str) -> MaskQuality:
    return MaskQuality(view_id, label, 1.0, flags, priority, 1, 1.0, 0, 0.0, (), 1.0)


def routed(tmp_path: Path) -> Workspace:
    workspace = workspace_at(tmp_path)
    project = workspace.tables("project")
    writer = ShardWriter(project / "bytes" / "a.tar", "bytes/a.tar")
    place = writer.add("v1.png", PNG)
    writer.close()
    rows: list[Record] = [
        Report("r1", "p1", "", None, "local", "LicenseRef-local", TEXT),
        Report("r2", "p2", "", None, "local", "LicenseRef-local", "No edema."),
        mention("edema", U),
        Series("s1", "study1", "p3", "CT", 20, (20, 4, 4), (1.0, 1.0, 1.0), (), (), ()),
        view("v1", "s1", **place.__dict__),
        measurement(0.51),
        Consensus("c1", "s1", "nodule", "staple", ("a", "b"), 2, ("o1", "o2"), (0, 0, 0), (1, 1, 1), (0, 1), 1),
        Agreement("c1", "a", "b", 0.35),
        Consensus("c0", "s1", "nodule", "staple", ("a", "b"), 2, ("o3", "o4"), (0, 0, 0), (1, 1, 2), (0, 2), 2),
        Mask("v1", "nodule", 1000, "consensus", "", 2, (0, 0, 2, 1), 1.0),
        Mask("v1", "nodule_2", 1000, "consensus", "", 1, (3, 2, 1, 1), 1.0),
        Mask("v2", "heart", 121, "segment", "", 4, (1, 1, 2, 2), 1.0),
        view("v2", "s1", **place.__dict__),
        scan(),
        judged_view("v1", 1.0),
        judged_view("v2", 0.3, "view_absent"),
        judged_mask("v2", "heart", 0.5, "mask_torn"),
        judged_mask("v2", "aorta", 0.0),
    ]
    for record in (
        Report,
        Mention,
        Series,
        View,
        Measurement,
        Consensus,
        Agreement,
        Mask,
        CtQuality,
        ViewQuality,
        MaskQuality,
    ):
        own = [row for row in rows if isinstance(row, record)]
        folder = workspace.tables(record.about.stage) / record.about.name
        write_parquet(to_arrow(record, own), folder / "a.parquet")
    for batch in prepare(STAGE, workspace).batches:
        run_batch(STAGE, workspace, batch)
    finish(workspace)
    return workspace


def tasks(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads((workspace.tables("route") / "tasks" / f"{name}.json").read_text())
    return made
