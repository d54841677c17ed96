"""Tables of names in the forms that people have them, and those that say nothing."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from curation.errors import InputError
from projection.names import TOTAL, embedded_names, read_names

HEART = {51: "heart", 52: "aorta"}


@pytest.mark.parametrize(
    "text",
    [
        "id,structure\n51,heart\n52,aorta\n",
        "group,original_idx,structure,id\ncardiac,1,heart,51\ncardiac,2,aorta,52\n",  # id is the voxel value
        "\ufeffName\tIndex\nheart\t51\naorta\t52\n",
        "51 heart\n\n# a comment\n52 aorta\n",
        '51;"heart"\n52;"aorta"\n',
        "51: heart\n52: aorta\n",
        '{"labels": {"background": 0, "heart": 51, "aorta": 52}}',  # nnU-Net, version 2
        '{"labels": {"0": "background", "51": "heart", "52": "aorta"}}',  # version 1
        '{"51": "heart", "52": "aorta"}',
    ],
)
def test_a_table_in_any_usual_form(text: str, tmp_path: Path) -> None:
    path = tmp_path / "names"
    path.write_text(text, encoding="utf-8")
    assert read_names(str(path)) == HEART


def test_total_is_the_numbering_of_version_2() -> None:
    names = read_names(TOTAL)
    assert len(names) == 117 and names[117] == "costal_cartilages" and names[51] == "heart"


@pytest.mark.parametrize(
    "text,message",
    [
        ("", "empty"),
        ("{nothing", "json and is none"),
        ('{"labels": [1, 2]}', "json object"),
        ('{"labels": {"whole": [1, 2]}}', "row 1 is not a number"),
        ("1 heart\nheart\n", "line 2"),
        ('1 255 0 0 1 1 1 "heart"\n', "line 1"),
        ("id,structure\n300,heart\n", "row 1"),
        ("id,structure\n1\n", "row 1"),
        ("1 heart\n1 aorta\n", "row 2 repeats"),
        ("1 heart\n2 heart\n", "row 2 repeats"),
        ("0 background\n", "no structure"),
    ],
)
def test_a_table_that_says_nothing_certain(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "names"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_names(str(path))


def test_a_table_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FileNotFoundError"):
        read_names(str(tmp_path / "none"))
    (tmp_path / "picture").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="UnicodeDecodeError"):
        read_names(str(tmp_path / "picture"))


def test_a_labelmap_that_holds_its_names_itself() -> None:
    image = nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4))  # type: ignore[no-untyped-call]
    assert embedded_names(image) == {}
    xml = (
        '<CaretExtension><VolumeInformation Index="0"><LabelTable><Label Key="51" Red="1"><![CDATA[heart]]></Label>'
        '<Label Key="52" Red="0">aorta</Label></LabelTable></VolumeInformation></CaretExtension>'
    )
    for text in ("a comment", xml):
        image.header.extensions.append(nib.nifti1.Nifti1Extension(0, text.encode()))
    assert embedded_names(image) == HEART
