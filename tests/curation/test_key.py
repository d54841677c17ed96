"""Keys: where they lie, how they are made, and which are refused."""

import os
import threading
from pathlib import Path

import pytest

from curation.deid.keys import key as module
from curation.deid.keys.key import DEMO_KEY, identity, key_id, key_path, key_place, load_key, make_key, sample_digest
from curation.errors import VaultError
from curation.records import Source
from curation.workspace import Workspace
from tests.builders import workspace_at


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    monkeypatch.delenv("PAXFLOW_KEY", raising=False)
    monkeypatch.delenv("PAXFLOW_KEY_FILE", raising=False)
    return workspace_at(tmp_path)


def source(path: str = "a.dcm", sha256: str = "0") -> Source:
    return Source(path, "dicom", sha256, 1, 0, "", "", "", "")


def test_a_new_key_is_read_back_and_only_its_owner_can_read_it(workspace: Workspace) -> None:
    path = key_path(workspace.vault)
    make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(workspace, []).hex() == path.read_text().strip()
    with pytest.raises(VaultError, match="already"):
        make_key(path)


def test_a_key_that_cannot_be_written_is_said_so(workspace: Workspace) -> None:
    workspace.vault.write_text("no folder")
    with pytest.raises(VaultError, match="cannot be written"):
        make_key(key_path(workspace.vault))


def test_of_several_that_make_a_key_at_once_one_wins_and_no_trace_of_the_others_stays(workspace: Workspace) -> None:
    path, refused = key_path(workspace.vault), []

    def make() -> None:
        try:
            make_key(path)
        except VaultError as error:
            refused.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert [name.name for name in path.parent.iterdir()] == ["key"]
    assert len(load_key(workspace, [])) == 32


def test_a_kill_while_a_key_is_made_leaves_no_half_key(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", killed)
        with pytest.raises(KeyboardInterrupt):
            make_key(key_path(workspace.vault))
    assert not key_path(workspace.vault).exists()
    make_key(key_path(workspace.vault))


def test_no_key_is_said_so(workspace: Workspace) -> None:
    with pytest.raises(VaultError, match="there is no key"):
        load_key(workspace, [])


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_file_that_others_can_read_is_refused(workspace: Workspace, mode: int) -> None:
    make_key(key_path(workspace.vault))
    key_path(workspace.vault).chmod(mode)
    with pytest.raises(VaultError, match="others"):
        load_key(workspace, [])


def test_a_key_file_that_is_a_folder_or_no_text_is_refused(workspace: Workspace) -> None:
    path = key_path(workspace.vault)
    path.mkdir(parents=True, mode=0o700)
    with pytest.raises(VaultError, match="key file"):
        load_key(workspace, [])
    path.rmdir()
    path.write_bytes(b"\xff" * 64)
    path.chmod(0o600)
    with pytest.raises(VaultError, match="cannot be read"):
        load_key(workspace, [])


def test_a_key_file_inside_the_workspace_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXFLOW_KEY_FILE", str(workspace.root / "key"))
    make_key(workspace.root / "key")
    with pytest.raises(VaultError, match="outside the workspace"):
        load_key(workspace, [])
    with pytest.raises(VaultError, match="outside the workspace"):
        key_place(workspace)


def test_a_key_in_the_environment_goes_before_the_file(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    make_key(key_path(workspace.vault))
    monkeypatch.setenv("PAXFLOW_KEY", DEMO_KEY.hex().upper() + "\n")
    assert identity(workspace, workspace.settings.deid).key == DEMO_KEY


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
