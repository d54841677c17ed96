"""`paxflow deid`: a folder by itself, typed as a user types it."""

import csv
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pydicom
import pytest

from curation.deid.dicom.policy import markdown
from curation.deid.keys.key import DEMO_KEY, make_key
from flows import folder
from tests.builders import ct_slice, report_text, torn
from tests.curation.hospital import Hospital, hospital, spellings
from tests.curation.report_files import message
from tests.curation.report_files import table as rows_of

PAXFLOW = Path(sys.executable).with_name("paxflow")


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Hospital]:
    """A folder with a hospital's objects, reports in three kinds of files, and what is no DICOM."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, of what was planted
        made = hospital(2)
    for name, data in made.files.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "in" / "r.txt").write_text(report_text(), encoding="utf-8")
    (tmp_path / "in" / "ris.hl7").write_text("\r".join((message(), message(number="ACX-2"))), encoding="utf-8")
    lines = (("1", "77", "Clear."), ("2", "78", "Effusion."))
    (tmp_path / "in" / "export.csv").write_text(rows_of(*lines, columns=("id", "mrn", "text")), encoding="utf-8")
    (tmp_path / "in" / "torn.dcm").write_bytes(torn(ct_slice(), 0.9))
    (tmp_path / "in" / "notes.docx").write_bytes(b"PK\3\4")
    make_key(tmp_path / "key")
    return tmp_path, made


def call(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`paxflow …` outside any workspace."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PAXFLOW")}
    env |= {"PAXFLOW_KEY_FILE": str(root / "key"), "TMPDIR": str(root / "tmp"), "PAXFLOW_WORKERS": "1", **environment}
    (root / "tmp").mkdir(exist_ok=True)
    return subprocess.run([PAXFLOW, *words], cwd=root, env=env, capture_output=True, text=True, check=False)


def names(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


def table(path: Path, column: str) -> dict[str, list[str]]:
    """Values of a column by original."""
    found: dict[str, list[str]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["original_path"], []).append(row[column])
    return found


def test_a_folder_becomes_clean_files_and_lists_of_what_became_of_each(given: tuple[Path, Hospital]) -> None:
    root, made = given
    done = call(root, "deid", "run", "in", "out", "--mapping", "map.csv", "--rejects", "no.csv")
    assert done.returncode == 10, done.stderr
    mapping, refused = table(root / "map.csv", "path"), table(root / "no.csv", "reason")
    assert refused == {"torn.dcm": ["truncated"], "notes.docx": ["unsupported_file"]}
    places = {f"{name}#000000{number}" for name in ("ris.hl7", "export.csv") for number in (1, 2)}
    assert set(mapping) == {*made.files, "r.txt", *places}
    assert sorted(path for paths in mapping.values() for path in paths) == names(root / "out")
    assert all(len(mapping[name]) == 1 for name in ("r.txt", *places))
    told = [paths for paths in mapping.values() if len(paths) > 1]  # a structured report, and its text
    assert told and all([Path(path).suffix for path in paths] == [".dcm", ".txt"] for paths in told)
    assert (root / "map.csv").stat().st_mode & 0o077 == (root / "no.csv").stat().st_mode & 0o077 == 0
    for name, value in made.planted:
        data = b"".join((root / "out" / path).read_bytes() for path in mapping[name])
        assert all(spelling not in data for spelling in spellings(value))
    first = mapping[next(iter(made.files))][0]
    dataset = pydicom.dcmread(root / "out" / first)
    assert first == (f"{dataset.StudyInstanceUID}/{dataset.SeriesInstanceUID}/{dataset.SOPInstanceUID}.dcm")
    assert not list((root / "tmp").rglob("*.parquet"))
    shown = done.stdout + done.stderr
    assert not any(value in shown for _, value in made.planted if len(value) > 4)
    assert call(root, "deid", "run", "in", "out").returncode == 2  # never over what is there


def test_the_same_key_gives_the_same_bytes_and_a_kill_loses_nothing(
    given: tuple[Path, Hospital], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = given
    (root / "in" / "torn.dcm").unlink()
    (root / "in" / "notes.docx").unlink()
    assert call(root, "deid", "run", "in", "one").returncode == 0
    monkeypatch.setenv("PAXFLOW_KEY_FILE", str(root / "key"))
    monkeypatch.delenv("PAXFLOW_VAULT", raising=False)
    monkeypatch.setenv("TMPDIR", str(root / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(root)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    lists = folder.Lists(None, None)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(folder, "_lay_out", killed)
        folder.deid_folder(root / "in", root / "two", lists)
    assert folder.deid_folder(root / "in", root / "two", lists).refused == ()
    monkeypatch.setattr("tempfile.tempdir", None)
    assert names(root / "one") == names(root / "two")
    for name in names(root / "one"):
        assert (root / "one" / name).read_bytes() == (root / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("in", "in/out"), 2),
        (("in/..", "in"), 2),
        (("nowhere", "out"), 5),
        (("in", "out", "--mapping", "out/map.csv"), 2),
        (("empty", "out"), 5),
    ],
)
def test_folders_that_cannot_be_are_refused(given: tuple[Path, Hospital], words: tuple[str, ...], code: int) -> None:
    (given[0] / "empty").mkdir()
    done = call(given[0], "deid", "run", *words)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("paxflow: ") and "Traceback" not in done.stderr


def test_a_key_is_needed_and_the_published_one_is_refused(given: tuple[Path, Hospital]) -> None:
    root, _ = given
    assert call(root, "deid", "run", "in", "out", PAXFLOW_KEY_FILE=str(root / "none")).returncode == 4
    assert call(root, "deid", "run", "in", "out", PAXFLOW_KEY=DEMO_KEY.hex()).returncode == 4


def test_explain_prints_rules_and_no_value(given: tuple[Path, Hospital]) -> None:
    root, made = given
    name = next(iter(made.files))
    done = call(root, "--json", "deid", "explain", f"in/{name}")
    assert done.returncode == 0, done.stderr
    assert '"tag": "0010,0010"' in done.stdout and "paxflow:PatientName" in done.stdout
    assert not any(value.casefold() in done.stdout.casefold() for where, value in made.planted if where == name)
    assert call(root, "deid", "explain", "in/notes.docx").returncode == 5


def test_the_policy_in_docs_is_the_one_in_the_code() -> None:
    assert Path("docs/deid-policy.md").read_text(encoding="utf-8") == markdown() + "\n", (
        "run `paxflow deid policy > docs/deid-policy.md`"
    )


def test_review_lists_and_decides_inside_a_workspace_only(given: tuple[Path, Hospital]) -> None:
    done = call(given[0], "deid", "review")
    assert done.returncode == 2 and "workspace" in done.stderr
