import base64
import gzip
import io
import json
import pickle
import sqlite3
import subprocess
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.audit import Hit, audit, planted
from curation.deid.keys.identity import Identifier
from curation.errors import InputError
from curation.workspace import Workspace
from tests.builders import workspace_at

NAME, NUMBER = "Quelbrand", "SYN-7712345-A"
WANTED = [Identifier("patient_name", NAME), Identifier("patient_id", NUMBER), Identifier("accession", "12345678")]
SENTENCE = f"seen: {NAME}, again".encode()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    return workspace_at(tmp_path)


def put(folder: Path, path: str, data: bytes) -> Path:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return target


def parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    return buffer.getvalue()


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", data)
    return buffer.getvalue()


def tarred(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("1.nii.gz")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def database(tmp: Path, value: str) -> bytes:
    path = tmp / "made.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA page_size = 512")
        connection.execute("CREATE TABLE log (message TEXT)")
        connection.execute("INSERT INTO log VALUES (?)", (value,))
    connection.close()
    return path.read_bytes()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "capitals": bytes.upper,
    "gzip": gzip.compress,
    "zlib": lambda data: zlib.compress(data * 3),
    "gzip in a tar": lambda data: tarred(gzip.compress(data)),
    "gzip after other bytes": lambda data: bytes(100_000) + gzip.compress(data),
    "zlib after other bytes": lambda data: bytes(100_000) + zlib.compress(data * 3),
    "gzip in gzip": lambda data: gzip.compress(gzip.compress(data)),
    "zip": zipped,
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "base64": base64.b64encode,
    "base64, one on": lambda data: base64.b64encode(b"x" + data),
    "base64, two on": lambda data: base64.b64encode(b"xy" + data),
    "pickle in base64": lambda data: base64.b64encode(pickle.dumps(data.decode())),
    "parquet text": lambda data: parquet(text=["a", data.decode()]),
    "parquet list": lambda data: parquet(words=[["a"], [data.decode(), "b"]]),
    "parquet bytes": lambda data: parquet(blob=[data]),
    "parquet of gzip": lambda data: gzip.compress(parquet(text=[data.decode()])),
}


@pytest.mark.parametrize("packer", PACKERS)
def test_a_name_is_found_however_it_is_packed(workspace: Workspace, packer: str) -> None:
    put(workspace.root, "data/some.file", PACKERS[packer](SENTENCE))
    hits = audit(workspace, WANTED)
    assert {hit.kind for hit in hits} == {"patient_name"}
    assert all(hit.place.startswith("data/some.file") for hit in hits)
    assert not any(NAME.lower() in str(hit).lower() for hit in hits)


@pytest.mark.parametrize("packer", PACKERS)
def test_a_clean_workspace_has_no_hit(workspace: Workspace, packer: str) -> None:
    put(workspace.root, "data/some.file", PACKERS[packer](b"nobody is named here, nor numbered"))
    put(workspace.root, "work/noise", Random(1).randbytes(300_000))  # noqa: S311 - noise, not a secret
    assert audit(workspace, WANTED) == []


def test_a_part_of_a_longer_word_or_number_is_no_hit(workspace: Workspace) -> None:
    put(workspace.root, "data/a", b"Quelbrander 9123456780 2.25.9912345678123 x12345678")
    assert audit(workspace, WANTED) == []
    put(workspace.root, "data/b", b"id 12345678.")
    assert Hit("data/b", "accession") in audit(workspace, WANTED)


def test_a_value_across_two_chunks_or_pages_is_found(workspace: Workspace, tmp_path: Path) -> None:
    put(workspace.root, "data/long", b"." * ((8 << 20) - 4) + SENTENCE)
    put(workspace.vault, "prefect/prefect.db", database(tmp_path, "." * 480 + SENTENCE.decode() + "." * 2000))
    assert {hit.place.split(":")[0] for hit in audit(workspace, WANTED)} == {"data/long", "prefect/prefect.db"}


def test_names_of_files_are_searched_and_never_shown(workspace: Workspace) -> None:
    put(workspace.root, f"data/{NAME}_ct/1.dcm", b"clean")
    (hit,) = audit(workspace, WANTED)
    assert hit.kind == "patient_name" and NAME not in hit.place and hit.place.startswith("data/***/1.dcm")


def test_git_is_searched_in_all_its_objects(workspace: Workspace) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(workspace.root), *who, *arguments], check=True, capture_output=True)

    git("init")
    path = put(workspace.root, "notes.txt", SENTENCE)
    git("add", ".")
    git("commit", "-m", "first")
    path.write_bytes(b"clean")
    git("commit", "-am", "removed")
    loose = audit(workspace, WANTED)
    assert {hit.kind for hit in loose} == {"patient_name"} and all("git object" in hit.place for hit in loose)
    git("gc", "--aggressive")
    assert {hit.place for hit in audit(workspace, WANTED)} == {hit.place for hit in loose}
    git("commit", "--allow-empty", "-m", f"for {NUMBER}")
    assert "patient_id" in {hit.kind for hit in audit(workspace, WANTED)}


def test_the_vault_itself_is_not_searched_but_the_home_of_prefect_in_it_is(workspace: Workspace) -> None:
    put(workspace.vault, "landing/1.txt", SENTENCE)
    assert audit(workspace, WANTED) == []
    put(workspace.vault, "prefect/storage/abc", pickle.dumps({"message": SENTENCE.decode()}))
    assert audit(workspace, WANTED) == [Hit("prefect/storage/abc", "patient_name")]


def test_what_is_planted_is_read_from_the_vault(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="nothing to search for"):
        planted(workspace)
    put(workspace.vault, "planted.json", json.dumps([{"kind": "patient_name", "value": NAME}]).encode())
    assert planted(workspace) == [Identifier("patient_name", NAME)]


def test_copies_are_searched_once(workspace: Workspace) -> None:
    put(workspace.root, "data/a", SENTENCE)
    put(workspace.root, ".dvc/cache/files/md5/ab/cd", SENTENCE)
    (workspace.root / "data/b").hardlink_to(workspace.root / "data/a")
    assert len(audit(workspace, WANTED)) == 1


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.binary(max_size=50), after=st.binary(max_size=50), packer=st.sampled_from(["plain", "utf-16", "base64"])
)
def test_a_name_is_found_between_any_bytes(workspace: Workspace, before: bytes, after: bytes, packer: str) -> None:
    put(workspace.root, "data/a", before + b" " + PACKERS[packer](SENTENCE) + b" " + after)
    assert Hit("data/a", "patient_name") in audit(workspace, WANTED)


def test_many_identifiers_and_much_data_take_seconds(workspace: Workspace) -> None:
    chance = Random(2)  # noqa: S311 - noise, not a secret
    wanted = [Identifier("patient_id", f"SYN-{chance.randrange(10**7):07d}-Q{n}") for n in range(5_000)]
    put(workspace.root, "data/shard.tar", chance.randbytes(20_000_000))
    start = time.perf_counter()
    assert audit(workspace, [*wanted, *WANTED]) == []
    assert time.perf_counter() - start < 20  # about 1 s on an idle core
