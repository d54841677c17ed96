"""A cohort of made-up patients in a landing zone, with the mishaps of a real intake, and the truth beside it.

Patient i depends on the seed and on i alone. Each is seen at one of three institutions and has one to four studies; the
first is a CT with a labelmap, the others are mostly radiographs. The last one's report has an addendum, as HL7, a table
or a structured report. The first patients have one mishap each, in the order of ``MISHAPS``, so that ten hold them all;
of later patients one in five has one.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from curation.synth.anatomy import Build, build
from curation.synth.exports import hl7, structured, table, write_addendum
from curation.synth.identities import INSTITUTIONS, Person, Planted, person
from curation.synth.instances import Exposure, Place, ct_slices, labelmap, radiograph, structures_csv
from curation.synth.mishaps import MISHAPS, Scene
from curation.synth.phantom import Phantom, phantom
from curation.synth.reports import labels_of, write_report
from curation.synth.studies import StudyPlan, draw_studies

Progress = Callable[[int, int], None]
"""Called with how many patients are done, and how many there are."""

_LATER_RATE = 5  # of patients beyond the first ten, one in this many has a mishap


def generate(
    landing_parent: Path, patients: int, seed: int, progress: Progress | None = None, mishaps: bool = True
) -> None:
    """Write ``landing/``, ``planted.json`` and ``truth.jsonl`` into ``landing_parent`` (the vault).

    ``truth.jsonl`` has one line for each study: whose it is, where it was made, its modality, what was planted in the
    image (``lesions``, ``nodules`` in LPS mm, ``cardiothoracic_ratio``, voxels of each structure), and what its report
    says as CheXpert ``labels``. The same patients and seed give the same bytes; without ``mishaps`` every file is as it
    should be.
    """
    planted = Planted()
    truth: list[dict[str, Any]] = []
    for number in range(patients):
        mishap = _mishap(seed, number) if mishaps else ""
        truth += _Patient(landing_parent / "landing", seed, number, mishap, planted).write()
        if progress:
            progress(number + 1, patients)
    landing_parent.mkdir(parents=True, exist_ok=True)
    (landing_parent / "planted.json").write_bytes(planted.to_json())
    lines = "".join(json.dumps(row, sort_keys=True) + "\n" for row in truth)
    (landing_parent / "truth.jsonl").write_text(lines, encoding="utf-8")


def _mishap(seed: int, number: int) -> str:
    names = list(MISHAPS)
    if number < len(names):
        return names[number]
    chance = Random(f"paxflow mishap {seed} {number}")
    return chance.choice(names) if chance.randrange(_LATER_RATE) == 0 else ""


# --- one patient -----------------------------------------------------------------------------------------


@dataclass
class _Patient:
    """Everything that one patient brings into the landing zone."""

    landing: Path
    seed: int
    number: int
    mishap: str
    planted: Planted
    patient: Person = field(init=False)
    body: Build = field(init=False)

    def __post_init__(self) -> None:
        institution = Random(f"paxflow institution {self.seed} {self.number}").choice(INSTITUTIONS)
        self.patient = replace(person(f"cohort {self.seed} {self.number}"), institution=institution)
        self.body = build(Random(f"paxflow body {self.seed} {self.number}"))
        # as a PACS exports it: folders that name the patient
        self.folder = f"{self.number:06d}_{self.patient.last.upper()}"

    def write(self) -> list[dict[str, Any]]:
        """Write all files; returns the truth, one row a study."""
        rows = []
        for index, plan in enumerate(draw_studies(self.patient, self.seed, self.number)):
            made = phantom(self.body, plan.lesions)
            instances = self._ct(plan, made) if plan.exam == "CT" else self._radiographs(plan, made)
            if index == 0 and self.mishap:
                MISHAPS[self.mishap](Scene(self.place, self.folder, plan, instances, self.planted))
            if index > 0 or self.mishap != "study_without_report":
                self._report(plan)
            rows.append(_truth(plan, made, self.mishap if index == 0 else ""))
        if self.mishap != "study_without_report":
            self._addendum(plan)
        return rows

    def place(self, path: str, data: bytes) -> Path:
        """Write a file below the landing zone."""
        target = self.landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return target

    def _ct(self, plan: StudyPlan, made: Phantom) -> list[Path]:
        stem = f"labelmaps/{self.folder}/{plan.who.accession}"
        self.place(f"{stem}/mask.nii.gz", labelmap(made))
        self.place(f"{stem}/structures.csv", structures_csv())
        sidecar = {
            "series_instance_uid": Place(plan.name, "ct").series_uid,
            "labelmap": "mask.nii.gz",
            "structures": "structures.csv",
            "engine": "phantom",
        }
        self.place(f"{stem}/ct.labelmap.json", (json.dumps(sidecar, indent=2) + "\n").encode())
        return [
            self.place(f"dicom/{self.folder}/{plan.who.accession}/ct/{number:04d}.dcm", data)
            for number, data in enumerate(ct_slices(made, plan.who, plan.name, self.planted), start=1)
        ]

    def _radiographs(self, plan: StudyPlan, made: Phantom) -> list[Path]:
        chance = Random(f"paxflow exposure {plan.name}")
        modality, photometric = (
            chance.choice(("CR", "DX")),
            chance.choice(("MONOCHROME2", "MONOCHROME2", "MONOCHROME1")),
        )
        written = []
        for view in ("PA", "LAT") if plan.exam == "PA" else ("AP",):
            exposure = Exposure(modality, view, photometric)
            data = radiograph(made, exposure, plan.who, Place(plan.name, view), self.planted)
            written.append(self.place(f"dicom/{self.folder}/{plan.who.accession}/{view.lower()}/0001.dcm", data))
        return written

    def _report(self, plan: StudyPlan) -> None:
        text = write_report(plan.exam, plan.statements, plan.who, plan.report_id, self.planted)
        self.place(f"reports/{plan.who.accession}.txt", text.encode())

    def _addendum(self, plan: StudyPlan) -> None:
        """A second report of a study, as another system hands it on."""
        addendum = write_addendum(plan.statements, plan.who, f"{plan.report_id}-A", self.planted)
        suffix, data = (
            (".hl7", hl7(addendum)),
            (".csv", table(addendum)),
            (".dcm", structured(addendum, plan.name, self.planted)),
        )[self.number % 3]
        self.place(f"exports/{self.folder}/addendum{suffix}", data)


def _truth(plan: StudyPlan, made: Phantom, mishap: str) -> dict[str, Any]:
    return {
        "original_patient_id": plan.who.patient.patient_id,
        "original_accession": plan.who.accession,
        "original_study_uid": Place(plan.name, "").study_uid,
        "original_report_id": plan.report_id,
        "original_institution": plan.who.patient.institution,
        "exam": plan.exam,
        "study_date": plan.who.moment.date().isoformat(),
        "sex": plan.who.patient.sex,
        "labels": labels_of(plan.statements),
        "statements": [asdict(s.lesion) | {"assertion": s.assertion.value} for s in plan.statements],
        "lesions": [asdict(lesion) for lesion in plan.lesions],
        "nodules": [asdict(nodule) for nodule in made.nodules],
        "cardiothoracic_ratio": made.cardiothoracic_ratio,
        "structures": made.voxels,
        "mishap": mishap,
    }
