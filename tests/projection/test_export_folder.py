"""A folder of formats: all or nothing, never over what is there, the same bytes twice."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curation.errors import InputError, UsageError
from projection.export.folder import FORMATS, Work, check_formats, check_target, usual_formats, write_folder
from projection.files import Scan, read_ct
from projection.standalone import project_ct
from projection.volume import Ct
from tests.projection.made_ct import AFFINE, SMALL, hu_zyx, projected
from tests.projection.test_files import slices


@pytest.fixture
def work(tmp_path: Path) -> Work:
    slices(tmp_path / "dicom")
    return Work(projected(), read_ct(tmp_path / "dicom"), ("a note",))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_format_is_written_and_a_second_run_is_the_same(work: Work, tmp_path: Path) -> None:
    names = write_folder(work, FORMATS, tmp_path / "one")
    write_folder(work, FORMATS, tmp_path / "deep" / "two")
    one = contents(tmp_path / "one")
    assert one == contents(tmp_path / "deep" / "two") and tuple(sorted(one)) == names
    assert set(names) == {
        *("PA.png", "LAT.png", "PA.npy", "LAT.npy", "paxray.json", "coco.json", "views.json"),
        *("views.parquet", "masks.parquet", "visible_masks.parquet", "labels.json"),
        *(f"{view}.raw.png" for view in ("PA", "LAT")),
        *(f"{view}.{kind}.png" for view in ("PA", "LAT") for kind in ("bone_suppressed", "bone_only", "lung_only")),
        *(f"labels-{n}.{kind}" for n in (1, 2) for kind in ("dcm", "nii.gz")),
    }
    with Image.open(tmp_path / "one" / "PA.png") as picture:
        assert (np.asarray(picture) == work.made.views[0].picture).all()


def test_an_empty_folder_is_filled_and_a_full_one_refused(work: Work, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    assert write_folder(work, ["png"], target) == ("LAT.png", "PA.png", "views.json")
    with pytest.raises(UsageError, match="new or empty"):
        write_folder(work, ["png"], target)
    with pytest.raises(UsageError, match="new or empty"):
        check_target(target / "PA.png")


def test_a_failure_half_way_leaves_nothing(work: Work, tmp_path: Path) -> None:
    slices_gone = Work(work.made, Scan(work.scan.ct, (tmp_path / "gone.dcm",)))
    before = set(tmp_path.iterdir())
    with pytest.raises(UsageError, match="No such file"):
        write_folder(slices_gone, ["png", "seg"], tmp_path / "target")
    assert set(tmp_path.iterdir()) == before


def test_without_labels_there_are_pictures_and_views(tmp_path: Path) -> None:
    made = project_ct(hu_zyx(), None, {}, AFFINE, SMALL)
    names = write_folder(Work(made, Scan(Ct(hu_zyx(), AFFINE))), usual_formats(False), tmp_path / "target")
    assert names == ("LAT.png", "PA.png", "views.json", "views.parquet")


def test_formats_that_cannot_be() -> None:
    check_formats(usual_formats(True), has_labels=True, has_slices=False)
    check_formats(FORMATS, has_labels=True, has_slices=True)
    for formats in (["png", "gif"], []):
        with pytest.raises(UsageError, match="png, raw, partners"):
            check_formats(formats, has_labels=True, has_slices=True)
    with pytest.raises(InputError, match="coco, seg needs labels"):
        check_formats(["png", "coco", "seg"], has_labels=False, has_slices=True)
    with pytest.raises(InputError, match="DICOM folder"):
        check_formats(["seg"], has_labels=True, has_slices=False)
