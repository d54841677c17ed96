"""What goes wrong on the way into a landing zone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from curation.synth.anatomy import Build, Grid
from curation.synth.identities import Planted, visit
from curation.synth.instances import Place, labelmap, other_instance
from curation.synth.phantom import phantom
from curation.synth.reports import write_report
from curation.synth.studies import StudyPlan


@dataclass(frozen=True)
class Scene:
    """A study's files as they lie in the landing zone; each method spoils something there."""

    place: Callable[[str, bytes], Path]
    folder: str
    plan: StudyPlan
    instances: list[Path]
    planted: Planted

    def duplicate_bytes(self) -> None:
        """The same file under a second name."""
        self.place(f"dicom/{self.folder}/again/copy.dcm", self.instances[len(self.instances) // 2].read_bytes())

    def missing_slice(self) -> None:
        """A slice in the middle of the CT never came."""
        self.instances[len(self.instances) // 2].unlink()

    def report_without_study(self) -> None:
        """A report of another accession, whose images never came."""
        lost = visit(f"lost {self.plan.name}", self.plan.who.patient, self.plan.who.moment.date() - timedelta(days=9))
        text = write_report("AP", self.plan.statements, lost, f"{self.plan.report_id}-L", self.planted)
        self.place(f"reports/{lost.accession}.txt", text.encode())

    def duplicate_uid(self) -> None:
        """The same SOPInstanceUID with other bytes: a trailing pad element changed on the way."""
        data = self.instances[3].read_bytes()
        pad = bytes.fromhex("fcfffcff") + b"OB\0\0" + (8).to_bytes(4, "little") + bytes(8)  # DataSetTrailingPadding
        self.place(f"dicom/{self.folder}/again/0004.dcm", data + pad)

    def truncated(self) -> None:
        """A transfer that broke off in the pixels of a second series."""
        data = other_instance("MR", self.plan.who, Place(self.plan.name, "torn"), self.planted)
        self.place(f"dicom/{self.folder}/{self.plan.who.accession}/torn/0001.dcm", data[:-200])

    def other_modality(self) -> None:
        """An MR image and a structured report."""
        for modality in ("MR", "SR"):
            data = other_instance(modality, self.plan.who, Place(self.plan.name, modality), self.planted)
            self.place(f"dicom/{self.folder}/{self.plan.who.accession}/{modality.lower()}/0001.dcm", data)

    def labelmap_does_not_fit(self) -> None:
        """The labelmap was made on another grid than the CT's."""
        other = Build(Grid((24, 32, 32), (12.0, 11.0, 11.0)), (1.0, 1.0, 1.0), 0.45, 0.0, 0)
        self.place(f"labelmaps/{self.folder}/{self.plan.who.accession}/mask.nii.gz", labelmap(phantom(other)))

    def study_without_report(self) -> None:
        """Nobody has read it yet: the report is not written at all."""

    def not_dicom(self) -> None:
        """Files that are no images, one of them with the wrong suffix."""
        self.place(f"dicom/{self.folder}/index.dcm", b"exported objects: see the accession folders\n")
        self.place(f"dicom/{self.folder}/Thumbs.db", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504))

    def empty_file(self) -> None:
        """A file of no bytes."""
        self.place(f"dicom/{self.folder}/{self.plan.who.accession}/ct/9999.dcm", b"")


MISHAPS: dict[str, Callable[[Scene], None]] = {
    "duplicate_bytes": Scene.duplicate_bytes,
    "missing_slice": Scene.missing_slice,
    "report_without_study": Scene.report_without_study,
    "duplicate_uid": Scene.duplicate_uid,
    "truncated": Scene.truncated,
    "other_modality": Scene.other_modality,
    "labelmap_does_not_fit": Scene.labelmap_does_not_fit,
    "study_without_report": Scene.study_without_report,
    "not_dicom": Scene.not_dicom,
    "empty_file": Scene.empty_file,
}
