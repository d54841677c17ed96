"""Synthetic patients for tests: whole vaults, and single files with a chosen defect."""

import json
import re
import shutil
from datetime import date
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pydicom
import pytest
from pydicom.dataset import FileDataset

from curation.deid.keys.key import key_path, make_key
from curation.records import Assertion
from curation.synth import generate
from curation.synth.anatomy import Build, Grid, build
from curation.synth.identities import Planted, Visit, person, visit
from curation.synth.instances import Exposure, Place, ct_slices, radiograph
from curation.synth.phantom import Lesion, Phantom, phantom
from curation.synth.reports import Statement, write_report
from curation.workspace import Workspace

REPOSITORY = Path(__file__).parents[1]
STUDY = "builders"
TINY = Build(Grid((16, 24, 24), (18.0, 15.0, 15.0)), (1.0, 1.0, 1.0), 0.45, 0.0, 0)


def workspace_at(tmp_path: Path) -> Workspace:
    """A workspace with the repository's parameters; no git, no DVC. Its vault comes from ``PAXFLOW_VAULT``."""
    root = tmp_path / "workspace"
    root.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPOSITORY / "params.yaml", root / "params.yaml")
    (root / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    return Workspace(root)


def keyed_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace and a vault with a key of its own, whatever the environment says."""
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    monkeypatch.delenv("PAXFLOW_KEY", raising=False)
    monkeypatch.delenv("PAXFLOW_KEY_FILE", raising=False)
    made = workspace_at(tmp_path)
    make_key(key_path(made.vault))
    return made


def put(workspace: Workspace, path: str, data: bytes | str) -> Path:
    """Put a file into the landing zone."""
    target = workspace.landing / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data.encode() if isinstance(data, str) else data)
    return target


def vault_with(tmp_path: Path, patients: int = 2, seed: int = 0, mishaps: bool = False) -> Path:
    """A vault whose landing zone holds a synthetic cohort; the test sets ``PAXFLOW_VAULT`` to it."""
    vault = tmp_path / "vault"
    generate(vault, patients, seed, mishaps=mishaps)
    return vault


def truth_of(vault: Path) -> list[dict[str, Any]]:
    """What is true of the cohort, one row a study."""
    return [json.loads(line) for line in (vault / "truth.jsonl").read_text(encoding="utf-8").splitlines()]


def planted_in(vault: Path) -> list[tuple[str, str]]:
    """Kind and value of everything that was planted."""
    rows = json.loads((vault / "planted.json").read_text(encoding="utf-8"))
    return [(row["kind"], row["value"]) for row in rows]


# --- single files ----------------------------------------------------------------------------------------


def somebody(name: str = "somebody", day: date = date(2012, 3, 4)) -> Visit:
    """A made-up patient's visit."""
    return visit(name, person(name), day)


def body(seed: int) -> Build:
    """A body as the cohort draws it."""
    return build(Random(seed))  # noqa: S311 - repeatable, not secret


@lru_cache(maxsize=4)
def tiny_phantom(*lesions: Lesion) -> Phantom:
    """A chest of 16 × 24 × 24 voxels."""
    return phantom(TINY, lesions)


@lru_cache(maxsize=4)
def ct_files(who: Visit | None = None) -> tuple[bytes, ...]:
    """The 16 slices of a tiny CT, head first."""
    return tuple(ct_slices(tiny_phantom(), who or somebody(), STUDY, Planted()))


def ct_slice(number: int = 1, **elements: Any) -> bytes:
    """A slice of the tiny CT with other elements; None leaves an element out."""
    return changed(ct_files()[number - 1], **elements)


def radiograph_file(view: str = "PA", photometric: str = "MONOCHROME2", **elements: Any) -> bytes:
    """A radiograph of the tiny chest with other elements; None leaves an element out."""
    exposure = Exposure("DX", view, photometric)
    return changed(radiograph(tiny_phantom(), exposure, somebody(), Place(STUDY, view), Planted()), **elements)


def changed(data: bytes, **elements: Any) -> bytes:
    """A DICOM file with these elements set, or left out where None is given."""
    dataset = pydicom.dcmread(BytesIO(data))
    for keyword, value in elements.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return _written(dataset)


def torn(data: bytes, share: float = 0.5) -> bytes:
    """The first part of a file, as a broken transfer leaves it."""
    return data[: int(len(data) * share)]


def _written(dataset: FileDataset) -> bytes:
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "")
    buffer = BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def report_text(without: str = "", lesions: tuple[Lesion, ...] = (), **lines: str) -> str:
    """A plain-text report that states the lesions as present.

    ``without`` names an identity line to leave out (``ACCESSION``); keywords replace the value of one (``MRN="1"``).
    """
    statements = [Statement(lesion, Assertion.PRESENT) for lesion in lesions]
    text = write_report("CT", statements, somebody(), "RPT-BUILDERS-1", Planted())
    for label, value in lines.items():
        text = re.sub(rf"^{label.replace('_', ' ')}: .*$", f"{label.replace('_', ' ')}: {value}", text, flags=re.M)
    return re.sub(rf"^{without}: .*\n", "", text, flags=re.M) if without else text
