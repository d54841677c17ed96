from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.deid import identity as module
from curation.deid.identity import DEMO_KEY, Identity, key_id, key_path, load_key, make_key, patient_key, sample_digest
from curation.errors import VaultError
from curation.records import Source
from curation.workspace import Workspace
from tests.builders import workspace_at

ONE = Identity(bytes(range(32)), 3650, 90)
OTHER = Identity(bytes(range(1, 33)), 3650, 90)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    monkeypatch.delenv("PAXFLOW_KEY", raising=False)
    monkeypatch.delenv("PAXFLOW_KEY_FILE", raising=False)
    return workspace_at(tmp_path)


def source(path: str = "a.dcm", sha256: str = "0") -> Source:
    return Source(path, "dicom", sha256, 1, "", "", "", "")


@given(st.text(min_size=1))
def test_a_pseudonymous_uid_is_a_valid_uid_and_repeatable(original: str) -> None:
    made = ONE.uid(original)
    assert made.startswith("2.25.") and made[5:].isdigit() and len(made) <= 44
    assert int(made[5:]) < 2**128 and str(int(made[5:])) == made[5:]
    assert made == ONE.uid(original) != OTHER.uid(original)


def test_the_same_number_in_two_roles_gives_unrelated_pseudonyms() -> None:
    made = {ONE.patient("77")[1:], ONE.accession("77")[1:] + "0", ONE.reader("77")[1:], ONE.report("local", "77")[1:]}
    made |= {ONE.report("openi", "77")[1:], ONE.thing("x", "object", "77")[1:]}
    assert len({name[:10] for name in made}) == 6


def test_an_accession_fits_its_value_representation_and_nothing_stays_nothing() -> None:
    assert len(ONE.accession("ACC-1")) == 16
    assert ONE.patient("") == ONE.accession("") == ONE.uid("") == ""


def test_two_issuers_of_one_number_are_two_patients() -> None:
    assert patient_key("12", "EAST") != patient_key("12", "WEST")
    assert patient_key(" 12 ", "") == "12"
    assert patient_key("", "EAST") == ""


@given(st.text(min_size=1), st.integers(30, 36500))
def test_dates_of_a_patient_move_back_by_one_number_of_days(patient: str, most: int) -> None:
    who = Identity(bytes(range(32)), most, 90)
    first, second = date(2012, 2, 28), date(2012, 3, 1)
    moved = [who.shift(patient, day) for day in (first, second)]
    assert moved[0] and moved[1] and (moved[1] - moved[0]).days == 2
    assert 1 <= (first - moved[0]).days <= most


def test_shifts_differ_between_patients_and_a_date_without_room_is_dropped() -> None:
    assert len({ONE.shift_days(str(n)) for n in range(50)}) > 40
    assert ONE.shift("1", date(1, 1, 1)) is None
    assert ONE.shift("1", None) is None


def test_a_new_key_is_read_back_and_only_its_owner_can_read_it(workspace: Workspace) -> None:
    path = key_path(workspace.vault)
    make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(workspace, []).hex() == path.read_text().strip()
    with pytest.raises(VaultError, match="already"):
        make_key(path)


def test_no_key_is_said_so(workspace: Workspace) -> None:
    with pytest.raises(VaultError, match="there is no key"):
        load_key(workspace, [])


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_file_that_others_can_read_is_refused(workspace: Workspace, mode: int) -> None:
    make_key(key_path(workspace.vault))
    key_path(workspace.vault).chmod(mode)
    with pytest.raises(VaultError, match="others"):
        load_key(workspace, [])


def test_a_key_file_inside_the_workspace_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXFLOW_KEY_FILE", str(workspace.root / "key"))
    make_key(workspace.root / "key")
    with pytest.raises(VaultError, match="outside the workspace"):
        load_key(workspace, [])


@pytest.mark.parametrize(
    "text", ["", "secret", "00" * 32, "0123456789abcdef" * 4, "11223344" * 8, "9f1c6be2d07a4853b1ee60c4978d23fa"]
)
def test_a_weak_key_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PAXFLOW_KEY", text)
    with pytest.raises(VaultError) as caught:
        load_key(workspace, [])
    assert not text or text not in str(caught.value)


def test_keys_that_count_upwards_are_weak(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXFLOW_KEY", bytes(range(32)).hex())
    with pytest.raises(VaultError, match="weak"):
        load_key(workspace, [])


def test_the_demo_key_opens_the_published_sample_and_nothing_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAXFLOW_KEY", DEMO_KEY.hex())
    monkeypatch.setattr(module, "SAMPLE_DIGEST", sample_digest([source("b"), source("a")]))
    assert load_key(workspace, [source("a"), source("b")]) == DEMO_KEY
    for others in ([source("a")], [source("a"), source("b", "1")], [source("a"), source("b"), source("c")], []):
        with pytest.raises(VaultError, match="demo key"):
            load_key(workspace, others)


def test_the_public_mark_of_a_key_tells_keys_apart_and_holds_none_of_it() -> None:
    assert key_id(DEMO_KEY) != key_id(bytes(32))
    assert key_id(DEMO_KEY) not in DEMO_KEY.hex()
