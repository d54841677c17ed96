"""A synthetic cohort as tables: as if every stage had run on it, with small pictures, and texts that were really mined.

Patients, studies and what reports say are drawn by ``curation.synth``: the first study of a patient is a CT, here with
its projections. Pictures are noise of 32 pixels with a bright heart. ``mine``, ``ground`` and ``decide`` run for real.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from curation import rle
from curation.records import (
    Agreement,
    Annotation,
    Assertion,
    Consensus,
    CtQuality,
    LabelGap,
    Mask,
    MaskQuality,
    OfficialSplit,
    Opinion,
    Outline,
    Patient,
    Picture,
    Radiograph,
    Record,
    Render,
    Report,
    ReportLink,
    Series,
    Study,
    Task,
    View,
    ViewQuality,
    VisibleMask,
)
from curation.stage import Stage, prepare, run_batch
from curation.store import Place, ShardWriter, to_arrow, write_parquet
from curation.synth.identities import person
from curation.synth.reports import Statement
from curation.synth.studies import StudyPlan, draw_studies
from curation.workspace import Workspace
from labeling import decide, ground, mine
from labeling.reading.ledger import ledger_of
from labeling.similar.stage import STAGE as SIMILAR
from tests.builders import workspace_at
from tests.labeling.deciding import READERS, Made, box, rectangle, states, verdict
from tests.rows import measurement, view

PIXELS = 32
"""Of a picture's side; originals of radiographs are twice as large."""
SIZE = (2 * PIXELS, 2 * PIXELS)
SALT = "paxflow"
"""Of every split: who is in the test set does not depend on the sample's own salt."""
_BOXES = {  # label: category_id, x, y, width, height
    "heart": (121, 12, 14, 9, 9),
    "right lung": (135, 4, 6, 9, 18),
    "left lung": (136, 19, 6, 9, 18),
    "lung": (134, 4, 6, 24, 18),
    "lung base": (137, 4, 18, 24, 6),
    "left hemidiaphragm": (106, 19, 24, 9, 2),
    "right hemidiaphragm": (107, 4, 24, 9, 2),
    "cardiomediastinum": (115, 11, 4, 11, 20),
    "spine": (0, 15, 1, 3, 30),
}
_SITES = ("s0000000000000001", "s0000000000000002", "s0000000000000003")
_OTHER_LABELER = "other-labeler"
_COMPLAINTS = ("Shortness of breath.", "Chest pain.", "Cough and fever.", "Follow-up.", "Preoperative evaluation.")


@dataclass
class _Tables:
    """Rows that wait to be written, and the shards that they point into."""

    workspace: Workspace
    rows: dict[type[Record], list[Record]] = field(default_factory=dict)
    shards: dict[str, ShardWriter] = field(default_factory=dict)

    def add(self, *rows: Record) -> None:
        for row in rows:
            self.rows.setdefault(type(row), []).append(row)

    def store(self, stage: str, name: str, data: bytes) -> Place:
        if stage not in self.shards:
            path = self.workspace.tables(stage) / "bytes" / "a.tar"
            path.parent.mkdir(parents=True)
            self.shards[stage] = ShardWriter(path, "bytes/a.tar")
        return self.shards[stage].add(name, data)

    def write(self) -> None:
        for writer in self.shards.values():
            writer.close()
        for record, rows in self.rows.items():
            folder = self.workspace.tables(record.about.stage) / record.about.name
            write_parquet(to_arrow(record, rows), folder / "a.parquet")


def cohort(root: Path, patients: int = 40, seed: int = 0) -> Workspace:
    """A workspace below ``root`` with the tables of every stage."""
    params = workspace_at(root).root / "params.yaml"
    params.write_text(re.sub(r"(?<=split_salt: )\S+", SALT, params.read_text()))
    workspace = Workspace(params.parent)
    tables = _Tables(workspace)
    for number in range(patients):
        _patient(tables, number, seed)
    tables.write()
    for stage in (mine.STAGE, SIMILAR, ground.STAGE):
        run(stage, workspace)
    _read(workspace, tables)
    run(decide.STAGE, workspace)
    return workspace


def run(stage: Stage, workspace: Workspace) -> None:
    """Run a stage over all that is there."""
    for batch in prepare(stage, workspace).batches:
        run_batch(stage, workspace, batch)
    if stage.finish:
        stage.finish(workspace)


def _name(letter: str, *parts: object) -> str:
    return letter + hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _patient(tables: _Tables, number: int, seed: int) -> None:
    who = person(f"cohort {seed} {number}")
    patient_id = _name("p", seed, number)
    plans = draw_studies(who, seed, number)
    silent = number % 7 == 3
    """Its first study has no report."""
    tables.add(Patient(patient_id, who.sex, len(plans), len(plans) - silent))
    if number % 4 == 0:
        tables.add(OfficialSplit("published", patient_id, ("train", "test")[number % 8 == 0]))
    for index, plan in enumerate(plans):
        study = _Study(
            tables, patient_id, _name("2.25.", seed, number, index), plan, seed * 100_000 + number * 10 + index
        )
        study.write(age=(plan.who.moment.date() - who.birth).days // 365, site=_SITES[number % 3])
        if index or not silent:
            study.report()


@dataclass
class _Study:
    tables: _Tables
    patient_id: str
    study_id: str
    plan: StudyPlan
    number: int

    def write(self, age: int, site: str) -> None:
        views = {"CT": ("CT",), "PA": ("PA", "LAT"), "AP": ("AP",)}[self.plan.exam]
        modalities = ("CT",) if self.plan.exam == "CT" else ("DX",)
        accession = _name("a", self.study_id)[:16]
        day = self.plan.who.moment.date()
        row = Study(self.study_id, self.patient_id, accession, day, min(age, 90), modalities, len(views), site)
        self.tables.add(row)
        for name in views:
            series_id = f"{self.study_id}.{name}"
            if name == "CT":
                self.tables.add(_ct_series(series_id, self.study_id, self.patient_id))
                self._ct(series_id)
            else:
                self._film(series_id, name)

    def report(self) -> None:
        report_id = _name("r", self.study_id)
        accession = _name("a", self.study_id)[:16]
        day = self.plan.who.moment.date()
        text = clean_text(self.plan)
        self.tables.add(Report(report_id, self.patient_id, accession, day, "local", "LicenseRef-local", text))
        self.tables.add(ReportLink(report_id, self.study_id))
        chance = Random(report_id)  # noqa: S311 - repeatable, not secret
        for label in ("Edema", "Pneumothorax", "Cardiomegaly"):
            self.tables.add(Opinion(_OTHER_LABELER, report_id, label, chance.choice((1, 0, -1, None)), None))

    def _film(self, series_id: str, name: str) -> None:
        instance_id = f"{series_id}.1"
        pixels = noise(self.number, name)
        data = png(pixels)
        place = self.tables.store("render", f"{instance_id}.png", data)
        self.tables.add(
            Series(
                series_id, self.study_id, self.patient_id, "DX", 1, (1, *SIZE), (0.0, 0.2, 0.2), (), (), (instance_id,)
            ),
            Radiograph(instance_id, series_id, name, "MONOCHROME2", *SIZE),
            Render(
                instance_id, PIXELS, PIXELS, *SIZE, 0.4, "MONOCHROME2", "window",
                hashlib.sha256(pixels.tobytes()).hexdigest(), place.sha256, place.shard, place.offset, place.length,
            ),
        )  # fmt: skip

    def _ct(self, series_id: str) -> None:
        for name in ("PA", "LAT"):
            self._view(series_id, name)
        self.tables.add(LabelGap(series_id, "clavicle left", "the labelmap has no clavicle"))
        self.tables.add(CtQuality(series_id, 0.9, (), "up", "supine", "none", 2.5, 0.0, True))
        if any(lesion.finding == "nodule" for lesion in self.plan.lesions):
            self._outlines(series_id)

    def _view(self, series_id: str, name: str) -> None:
        view_id = _name("v", series_id, name)
        pixels = noise(self.number, name)
        kinds = {"bone_suppressed": png(pixels // 2), "raw": png(pixels.astype(np.uint16) * 200)}
        place = self.tables.store("project", f"{view_id}.png", png(pixels))
        geometry = {"rows": PIXELS, "columns": PIXELS, "pixel_spacing_mm": 10.0}
        self.tables.add(view(view_id, series_id, view=name, **geometry, **place.__dict__))
        for kind, data in kinds.items():
            at = self.tables.store("project", f"{view_id}.{kind}.png", data)
            scale = 0.0001 if kind == "raw" else 0.0
            row = Picture(view_id, kind, "MONOCHROME2", scale, at.sha256, at.shard, at.offset, at.length)
            self.tables.add(row)
        shift = self.number % 3
        for label, (category, x, y, width, height) in _BOXES.items():
            self._mask(view_id, label, category, "segment", (x, y, width + (label == "heart") * shift, height))
        ratio = 0.45 + 0.05 * shift
        self.tables.add(
            measurement(view_id, "cardiomegaly", ratio, 0.55, (12.0, 18.0, 21.0, 18.0, 4.0, 18.0, 28.0, 18.0))
        )
        self.tables.add(Outline(view_id, "heart", (12.0, 14.0, 21.0, 14.0, 21.0, 23.0, 12.0, 23.0)))
        self.tables.add(ViewQuality(view_id, 0.95, (), "as_is", (), 0.1))
        if name == "PA":
            runs = rle.encode(block(19, 6, 9, 12))
            self.tables.add(VisibleMask(view_id, "left lung", runs, 108, (19, 6, 9, 12)))
        if any(lesion.finding == "nodule" for lesion in self.plan.lesions):
            self._mask(view_id, "nodule", 1000, "consensus", (8, 10, 3, 3))

    def _mask(self, view_id: str, label: str, category: int, source: str, at: tuple[int, int, int, int]) -> None:
        runs = rle.encode(block(*at))
        self.tables.add(Mask(view_id, label, category, source, runs, at[2] * at[3], at, 80.0))
        quality = MaskQuality(view_id, label, 0.9, (), 0.1, 1, 1.0, 0, 0.0, (), float(at[2] * at[3] * 100))
        self.tables.add(quality)

    def _outlines(self, series_id: str) -> None:
        readers = READERS[:2]
        objects = tuple(_name("o", series_id, reader) for reader in readers)
        for reader, object_id in zip(readers, objects, strict=True):
            for part in (0, 1):
                name = _name("n", object_id, part)
                points = (3.0, 3.0, 6.0, 3.0, 6.0, 6.0, 3.0, 6.0)
                instance = f"{series_id}.{10 + part}"
                row = Annotation(name, object_id, reader, series_id, instance, "nodule", "polygon", True, points)
                self.tables.add(row)
        found = _name("c", series_id)
        shape = ((9, 3, 3), (2, 3, 3), (0, 18), 18)
        self.tables.add(Consensus(found, series_id, "nodule", "staple", readers, 2, tuple(sorted(objects)), *shape))
        self.tables.add(Agreement(found, readers[0], readers[1], 0.8))


def _ct_series(series_id: str, study_id: str, patient_id: str) -> Series:
    """20 slices of 10 by 10 pixels, 15 mm apart, 30 mm wide."""
    return Series(
        series_id, study_id, patient_id, "CT", 20, (20, 10, 10), (15.0, 30.0, 30.0), (-135.0, -135.0, -150.0),
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), tuple(f"{series_id}.{number}" for number in range(20)),
    )  # fmt: skip


def clean_text(plan: StudyPlan) -> str:
    """The report of a study as it stands behind the border: sections, no identity."""
    chance = Random(f"words {plan.name}")  # noqa: S311 - repeatable, not secret

    def said(statements: Sequence[Statement]) -> str:
        return " ".join(statement.sentence(chance) for statement in statements)

    found = [one for one in plan.statements if one.assertion is not Assertion.ABSENT]
    sections = {
        "EXAM": {"CT": "CT chest.", "PA": "Chest radiograph, PA and lateral.", "AP": "Portable chest radiograph."}[
            plan.exam
        ],
        "INDICATION": chance.choice(_COMPLAINTS),
        "COMPARISON": chance.choice(("None.", "Prior outside study.")),
        "TECHNIQUE": {"CT": "Axial images.", "PA": "Upright PA and lateral views.", "AP": "Single AP view."}[plan.exam],
        "FINDINGS": said(plan.statements),
        "IMPRESSION": said(found) or "No acute cardiopulmonary abnormality.",
    }
    return "\n\n".join(f"{name}: {words}" for name, words in sections.items() if words) + "\n"


# --- reads -------------------------------------------------------------------------------------------------


def _read(workspace: Workspace, tables: _Tables) -> None:
    """Three readers read every third frontal radiograph, every fifth report, and every fourth view's masks."""
    made = Made(ledger_of(workspace, Task.LABEL_REVIEW))
    films = [row for row in tables.rows.get(Radiograph, []) if isinstance(row, Radiograph) and row.view != "LAT"]
    reports = [row for row in tables.rows.get(Report, []) if isinstance(row, Report)]
    views = [row for row in tables.rows.get(View, []) if isinstance(row, View) and row.view == "PA"]
    patient_of = {row.series_id: row.patient_id for row in tables.rows[Series] if isinstance(row, Series)}
    made.batch("boxes", Task.FINDING_BOXES)
    for number, film in enumerate(films[::3]):
        made.case(film.instance_id, "boxes", patient=patient_of[film.series_id])
        for place, reader in enumerate(READERS):
            marks = [] if (number + place) % 3 == 0 else [box("Pleural effusion", 10.0 + place, 20.5, 12.0, 16.0)]
            made.read(reader, film.instance_id, marks, "boxes")
    made.batch("labels", Task.LABEL_REVIEW)
    for number, report in enumerate(reports[::5]):
        made.case(report.report_id, "labels", patient=report.patient_id)
        for reader in READERS:
            said = states(Edema="present") if number % 2 else states(Pleural_Effusion="uncertain")
            made.read(reader, report.report_id, said, "labels")
    made.batch("masks", Task.MASK_REVIEW)
    for seen in views[::4]:
        made.case(seen.view_id, "masks", patient=patient_of[seen.series_id])
        corrected = [rectangle("heart", 12, 14, 10, 9, (PIXELS, PIXELS)), verdict("corrected")]
        for reader in READERS:
            made.read(reader, seen.view_id, corrected, "masks")
    made.flush()


# --- pictures ----------------------------------------------------------------------------------------------


def noise(number: int, name: str) -> Any:
    """A picture that no other study has, ``(rows, columns)``, with a bright heart."""
    chance = np.random.default_rng([number, *name.encode()])
    pixels = chance.integers(0, 120, (PIXELS, PIXELS), np.uint8)
    pixels[14:23, 12:21] += 100
    return pixels


def png(pixels: Any) -> bytes:
    """As a PNG file of 8 or 16 bits."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def block(x: int, y: int, width: int, height: int) -> Any:
    """A mask that is a rectangle."""
    mask = np.zeros((PIXELS, PIXELS), np.bool_)
    mask[y : y + height, x : x + width] = True
    return mask


def rows_of(workspace: Workspace, record: type[Record]) -> Iterator[Path]:
    """The parts of a table, for tests that change one."""
    return iter(sorted((workspace.tables(record.about.stage) / record.about.name).glob("*.parquet")))
