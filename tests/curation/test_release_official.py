"""A split that others have published is taken in under our pseudonyms."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.deid.keys.identity import patient_key
from curation.deid.keys.key import DEMO_KEY, identity, make_key
from curation.errors import InputError, PaxflowError, UsageError, VaultError
from curation.records import OfficialSplit, Patient
from curation.release.official import awaited, take_official
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from tests.rows import workspace_with_rows

SECRET = "70412339"
"""An original identifier, which must show nowhere."""
WORDS = {"train": ("train", "Training"), "valid": ("VALID", "validate", "validation", "val", "dev"), "test": ("Test",)}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace_with_rows(tmp_path_factory.mktemp("official") / "workspace")


@pytest.fixture(autouse=True, scope="module")
def _vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    vault = tmp_path_factory.mktemp("vault")
    make_key(vault / "key")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAXFLOW_VAULT", str(vault))
        patch.delenv("PAXFLOW_KEY", raising=False)
        patch.delenv("PAXFLOW_KEY_FILE", raising=False)
        yield


def file(folder: Path, text: str, name: str = "split.csv") -> Path:
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def written(workspace: Workspace, name: str) -> dict[str, str]:
    return {
        row.patient_id: row.split for row in read_rows(OfficialSplit, workspace.tables("splits")) if row.name == name
    }


def pseudonym(workspace: Workspace, original: str, issuer: str = "") -> str:
    return identity(workspace, workspace.settings.deid).patient(patient_key(original, issuer))


# --- what is taken in ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "dicom_id,study_id,subject_id,split\nd1,s1,70412339,validate\nd2,s1,70412339,validate\n"),
        ("a.csv.gz", "PatientID,Split\r\n70412339,val\r\n"),
        ("a.tsv", "﻿Dataset\tPATIENT_ID\nDev\t 70412339 \n\n"),
        ("a.csv", 'patient,"split"\n"70412339","valid"'),
    ],
)
def test_a_published_split_is_read_as_it_comes(workspace: Workspace, tmp_path: Path, name: str, text: str) -> None:
    assert take_official(workspace, file(tmp_path, text, name), "theirs-1.0") == 1
    assert written(workspace, "theirs-1.0") == {pseudonym(workspace, SECRET): "valid"}


def test_an_issuer_makes_another_patient_of_the_same_number(workspace: Workspace, tmp_path: Path) -> None:
    path = file(tmp_path, f"patient,split\n{SECRET},test\n")
    take_official(workspace, path, "issued", "HOSPITAL")
    assert written(workspace, "issued") == {pseudonym(workspace, SECRET, "HOSPITAL"): "test"}
    assert pseudonym(workspace, SECRET, "HOSPITAL") != pseudonym(workspace, SECRET)


def test_a_name_that_is_taken_in_again_is_replaced_whole_and_others_stay(workspace: Workspace, tmp_path: Path) -> None:
    take_official(workspace, file(tmp_path, "patient,split\n1,test\n2,train\n"), "again")
    take_official(workspace, file(tmp_path, "patient,split\n9,train\n"), "beside")
    take_official(workspace, file(tmp_path, "patient,split\n3,test\n"), "again")
    assert written(workspace, "again") == {pseudonym(workspace, "3"): "test"}
    assert written(workspace, "beside") == {pseudonym(workspace, "9"): "train"}


def test_patients_who_are_not_here_are_kept_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    here = Patient(pseudonym(workspace, "5"), "F", 0, 0)
    path = workspace.tables("catalog") / "patients" / "official.parquet"
    write_parquet(to_arrow(Patient, [here]), path)
    assert take_official(workspace, file(tmp_path, "patient,split\n5,test\n6,train\n7,dev\n"), "partly") == 3
    assert awaited(workspace, "partly") == 2
    path.unlink()


@given(
    st.dictionaries(
        st.text("0123456789ABCXYZ-^ äß", max_size=9).map(lambda text: f" MRN-{text}"),
        st.tuples(st.sampled_from(tuple(WORDS)), st.integers(0, 4), st.integers(1, 3)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(("csv", "tsv", "csv.gz")),
    st.sampled_from(("", "HOSPITAL")),
)
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_patient_gets_its_split_and_no_number_is_written(
    workspace: Workspace, tmp_path: Path, patients: dict[str, tuple[str, int, int]], ending: str, issuer: str
) -> None:
    expected: dict[str, str] = {}
    rows: list[list[str]] = []
    for original, (drawn, word, times) in patients.items():
        split = expected.setdefault(pseudonym(workspace, original, issuer), drawn)
        rows += [[original, "x", WORDS[split][word % len(WORDS[split])]]] * times
    path = file(tmp_path, table(rows, "\t" if ending == "tsv" else ","), f"made.{ending}")
    assert take_official(workspace, path, "made", issuer) == len(expected)
    assert written(workspace, "made") == expected
    everything = b"".join(one.read_bytes() for one in sorted(workspace.root.rglob("*")) if one.is_file())
    assert not [original for original in patients if original.strip().encode() in everything]


def table(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([["subject_id", "study", "split"], *rows])
    return text.getvalue()


def test_a_hundred_thousand_images_are_taken_in(workspace: Workspace, tmp_path: Path) -> None:
    rows = "".join(f"i{n},{n // 4},{('train', 'val', 'test')[n // 4 % 3]}\n" for n in range(100_000))
    assert take_official(workspace, file(tmp_path, f"image,PatientID,split\n{rows}"), "large") == 25_000


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "one column of patients.*none came"),
        ("\n", "one column of patients.*none came"),
        ("70412339,train\n70412339,test\n", "one column of patients.*none came"),
        ("patient\n70412339\n", "one column of splits.*none came"),
        ("patient,subject_id,split\n70412339,1,test\n", "one column of patients.*2 came"),
        ("patient,split\n", "has no row"),
        ("patient,split\n\n\n", "has no row"),
        ("patient,split\n1,test\n70412339\n", "row 3 names no patient or no split"),
        ("patient,split\n  ,test\n", "row 2 names no patient or no split"),
        ("patient,split\n1,test\n\n70412339,70412339\n", "row 4 has none of the splits train"),
        ("patient,split\n70412339,test\n1,dev\n70412339,train\n", r"in 1 row: .*: 2 and 4$"),
        ("patient,split\n 70412339,test\n70412339 ,train\n", r"in 1 row: .*: 2 and 3$"),
        ("patient,split\n70412339,test\n" + "70412339,dev\n" * 6, r"in 6 rows: .*: 2 and 3, .*2 and 7 …$"),
        ('patient,split\n"70412339,test\n', "cannot be read"),
        ('patient,split\n"70412339"7,test\n', "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_without_showing_anybody(
    workspace: Workspace, tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(InputError, match=says) as raised:
        take_official(workspace, file(tmp_path, text), "refused")
    assert SECRET not in shown(raised.value)
    assert not written(workspace, "refused")


def shown(error: BaseException) -> str:
    """All that a traceback would print."""
    told = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{error!r} {error.__notes__ if hasattr(error, '__notes__') else ''} {shown(told) if told else ''}"


@pytest.mark.parametrize(
    "data",
    [
        b"patient,split\n\xff\xfe70412339,test\n",
        b"\x1f\x8b70412339",
        gzip.compress(b"patient,split\n1,dev\n", mtime=0)[:-9],
    ],
)
def test_bytes_that_are_no_text_are_refused(workspace: Workspace, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "split.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match="cannot be read") as raised:
        take_official(workspace, path, "refused")
    assert SECRET not in shown(raised.value)


def test_a_file_that_is_not_there_is_said_to_be(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        take_official(workspace, tmp_path / SECRET, "refused")
    with pytest.raises(InputError, match="cannot be read"):
        take_official(workspace, tmp_path, "refused")


@pytest.mark.parametrize("name", ["", "..", "a/b", "-a", ".a", "a b", "ä", "a" * 65])
def test_a_name_that_is_no_name_is_refused(workspace: Workspace, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="letters, digits, dots and dashes"):
        take_official(workspace, file(tmp_path, "patient,split\n1,test\n"), name)


def test_a_refused_file_leaves_what_was_there(workspace: Workspace, tmp_path: Path) -> None:
    take_official(workspace, file(tmp_path, "patient,split\n1,test\n"), "stays")
    with pytest.raises(PaxflowError):
        take_official(workspace, file(tmp_path, "patient,split\n1,test\n1,dev\n"), "stays")
    assert written(workspace, "stays") == {pseudonym(workspace, "1"): "test"}


def test_the_published_key_is_refused(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXFLOW_KEY", DEMO_KEY.hex())
    with pytest.raises(VaultError, match="demo key"):
        take_official(workspace, file(tmp_path, "patient,split\n1,test\n"), "theirs")
