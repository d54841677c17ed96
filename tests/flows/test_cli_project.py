"""``paxflow project`` as people and machines meet it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from curation.errors import InputError, SettingsError, UsageError
from flows.cli import app
from tests.projection.made_ct import AFFINE, hu_zyx, nifti, table, values_zyx
from tests.projection.test_files import slices

SMALL = ("--size", "48")


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    return nifti(hu_zyx(), tmp_path / "ct.nii.gz")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return nifti(values_zyx(), tmp_path / "labels.nii.gz")


def project(*words: str | Path, json_lines: bool = False) -> Result:
    before = ["--json"] if json_lines else []
    return CliRunner().invoke(app, [*before, "project", *map(str, words), *SMALL])


def test_a_ct_with_labels_becomes_views_with_masks(ct: Path, labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = project(ct, "--labels", labels, "--names", table(tmp_path / "names.csv"), "--out", out)
    assert done.exit_code == 0, done.exception
    text = " ".join(done.stdout.split())
    assert text.startswith("2 views with ") and "views.json says why" in text
    assert {path.name for path in out.iterdir()} == {
        *("PA.png", "LAT.png", "coco.json", "views.json", "views.parquet", "masks.parquet"),
        "visible_masks.parquet",
    }


def test_a_machine_is_told_what_is_there(ct: Path, labels: Path, tmp_path: Path) -> None:
    names = table(tmp_path / "names.csv")
    done = project(ct, "--labels", labels, "--names", names, "--out", tmp_path / "out", json_lines=True)
    (event,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (event["event"], event["views"]) == ("project", 2)
    assert "the CT: slices over 5 mm: ribs break up" in event["notes"]
    assert event["masks"] >= 8 and event["missing"] > 100


def test_pictures_alone_need_no_labels(ct: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = project(ct, "--out", out, "--views", "AP", "--beam", "parallel", "--preset", "drr", "--formats", "png")
    assert done.exit_code == 0 and "1 view lie in" in done.stdout
    assert {path.name for path in out.iterdir()} == {"AP.png", "views.json"}


def test_notes_on_the_way_are_printed(labels: Path, tmp_path: Path) -> None:
    slices(tmp_path / "dicom")
    (tmp_path / "dicom" / "readme").write_text("no DICOM")
    coarse = nifti(values_zyx()[:, :, ::2], tmp_path / "coarse.nii", AFFINE @ np.diag([2.0, 1, 1, 1]))
    out = tmp_path / "out"
    done = project(tmp_path / "dicom", "--labels", coarse, "--names", table(tmp_path / "n"), "--out", out)
    assert done.exit_code == 0, done.exception
    assert "Note: 1 files of the folder" in done.stdout and "Note: labels resampled" in done.stdout
    notes = json.loads((out / "views.json").read_text())["notes"]
    assert [note.split()[0] for note in notes[:2]] == ["1", "labels"]


@pytest.mark.parametrize(
    "words,error,message",
    [
        ((), UsageError, "--names TABLE"),
        (("--names", "total", "--views", "PA,OBL"), UsageError, "views"),
        (("--names", "total", "--formats", "gif"), UsageError, "formats"),
        (("--names", "total", "--formats", "seg"), InputError, "DICOM folder"),
        (("--names", "total", "--preset", "x"), UsageError, "preset"),
        (("--names", "total", "--poses", "0"), UsageError, "1 or more"),
        (("--names", "total", "--poses", "-2"), UsageError, "1 or more"),
        (("--names", "total", "--sdd-mm", "20"), SettingsError, "too short"),
        (("--names", "nowhere.csv"), InputError, "cannot be read"),
    ],
)
def test_calls_that_cannot_be_leave_nothing(
    words: tuple[str, ...], error: type[Exception], message: str, ct: Path, labels: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = project(ct, "--labels", labels, *words, "--out", out)
    assert isinstance(done.exception, error) and message in str(done.exception)
    assert not out.exists() and not list(tmp_path.glob(".out*"))


def test_names_without_labels_are_a_mistake(ct: Path, tmp_path: Path) -> None:
    done = project(ct, "--names", "total", "--out", tmp_path / "out")
    assert isinstance(done.exception, UsageError) and "--labels" in str(done.exception)


def test_a_full_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    done = project(tmp_path / "none.nii", "--out", Path(__file__).parent)
    assert isinstance(done.exception, UsageError) and "new or empty" in str(done.exception)


def test_the_exit_code_and_one_line_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flows.cli", "project", str(tmp_path / "none.nii"), "--out", str(tmp_path / "o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "paxflow: the CT cannot be read (FileNotFoundError): expected a NIfTI file\n"


def test_help_says_that_input_must_be_deidentified() -> None:
    done = CliRunner().invoke(app, ["project", "--help"])
    assert "must be de-identified" in " ".join(done.stdout.split())


def test_the_views_of_a_run_can_be_made_again_from_its_poses(ct: Path, tmp_path: Path) -> None:
    assert project(ct, "--out", tmp_path / "one", "--views", "PA").exit_code == 0
    done = project(ct, "--out", tmp_path / "two", "--poses", tmp_path / "one" / "views.json")
    assert done.exit_code == 0, done.exception
    first, second = (json.loads((tmp_path / name / "views.json").read_text())["views"] for name in ("one", "two"))
    assert first == second


def test_a_number_of_poses_jitters_each_view(ct: Path, tmp_path: Path) -> None:
    done = project(ct, "--out", tmp_path / "out", "--views", "PA", "--poses", "2", "--formats", "png")
    assert done.exit_code == 0, done.exception
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"PA-1.png", "PA-2.png", "views.json"}


def test_what_needs_labels_is_refused_without(ct: Path, tmp_path: Path) -> None:
    for words, error in ((("--remove-contrast",), UsageError), (("--formats", "png,partners"), InputError)):
        done = project(ct, "--out", tmp_path / "out", *words)
        assert isinstance(done.exception, error)
        assert "--labels" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_sixteen_bits_need_none(ct: Path, tmp_path: Path) -> None:
    done = project(ct, "--out", tmp_path / "out", "--views", "PA", "--formats", "raw")
    assert done.exit_code == 0, done.exception
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"PA.raw.png", "views.json"}


def test_swapped_labels_are_refused(ct: Path, tmp_path: Path) -> None:
    swapped = {1: "lung_lower_lobe_right", 2: "lung_lower_lobe_left", 3: "heart", 4: "sternum"}
    names = tmp_path / "names.txt"
    names.write_text("".join(f"{value} {name}\n" for value, name in swapped.items()))
    found = nifti(values_zyx(), tmp_path / "labels.nii")
    done = project(ct, "--labels", found, "--names", names, "--out", tmp_path / "out")
    assert isinstance(done.exception, InputError)
    assert "as if left and right" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_an_out_that_cannot_be_is_refused_before_any_work(ct: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "out", tmp_path / ("n" * 300)):
        done = project(ct, "--out", out)
        assert isinstance(done.exception, UsageError), out
