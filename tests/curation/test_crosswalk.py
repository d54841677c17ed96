"""The crosswalk: what is written comes back, and nothing that was touched does."""

import re
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.deid.keys.crosswalk import Link, lookup, write_part
from curation.errors import IntegrityError

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
LINKS = [
    Link("patient", "EAST/QX-4711", "p0123456789abcdef"),
    Link("study", "1.2.3.4", "2.25.7"),
    Link("instance", "1.2.3.4.1", "2.25.77"),
]


def parts(vault: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (vault / "crosswalk").iterdir()}


def test_an_original_is_found_by_its_pseudonym_however_many_batches_named_it(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS)
    write_part(tmp_path, KEY, "b2", [LINKS[0], LINKS[0], Link("series", "p0123456789abcdef", "2.25.9")])
    assert lookup(tmp_path, KEY, LINKS[0].pseudonym) == [LINKS[0]]
    assert lookup(tmp_path, KEY, "2.25.7") == [LINKS[1]]
    assert lookup(tmp_path, KEY, "2.25") == lookup(tmp_path, KEY, "EAST/QX-4711") == []


def test_without_a_crosswalk_nothing_is_found(tmp_path: Path) -> None:
    assert lookup(tmp_path, KEY, "p1") == []


def test_only_the_owner_can_read_it_and_no_value_stands_in_it(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS)
    assert (tmp_path / "crosswalk").stat().st_mode & 0o777 == 0o700
    (path,) = (tmp_path / "crosswalk").iterdir()
    assert path.name.startswith("b1-") and path.stat().st_mode & 0o777 == 0o600
    for link in LINKS:
        assert link.original.encode() not in path.read_bytes() and link.pseudonym.encode() not in path.read_bytes()


def test_a_batch_that_is_done_again_changes_nothing(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS)
    before = parts(tmp_path)
    write_part(tmp_path, KEY, "b1", reversed(LINKS))
    assert parts(tmp_path) == before


def test_a_batch_that_comes_out_otherwise_adds_a_part_and_replaces_none(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS[:1])
    before = parts(tmp_path)
    write_part(tmp_path, KEY, "b1", LINKS)
    assert before.items() < parts(tmp_path).items() and len(parts(tmp_path)) == 2
    assert [lookup(tmp_path, KEY, link.pseudonym) for link in LINKS] == [[link] for link in LINKS]


def test_a_part_that_was_changed_is_not_taken_for_done(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS)
    (path,) = (tmp_path / "crosswalk").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="part b1-"):
        write_part(tmp_path, KEY, "b1", LINKS)


def test_the_same_links_look_different_in_every_part(tmp_path: Path) -> None:
    for name in ("b1", "b2"):
        write_part(tmp_path, KEY, name, LINKS)
    first, second = parts(tmp_path).values()
    assert len(first) == len(second) and first[13:] != second[13:] and first[25:60] != second[25:60]


def test_a_wrong_key_is_refused_with_the_parts_name_only(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS)
    with pytest.raises(IntegrityError) as caught:
        lookup(tmp_path, OTHER, LINKS[0].pseudonym)
    assert re.fullmatch(r"crosswalk part b1-[0-9a-f]{16}: it was made with a key that is not here", str(caught.value))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_parts_of_a_retired_key_open_with_it(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS)
    write_part(tmp_path, OTHER, "b2", [Link("patient", "EAST/QX-4711", "pfedcba9876543210")])
    assert lookup(tmp_path, OTHER, LINKS[0].pseudonym, [KEY]) == [LINKS[0]]
    assert [link.original for link in lookup(tmp_path, OTHER, "pfedcba9876543210", [KEY])] == ["EAST/QX-4711"]


def test_a_part_cut_anywhere_or_with_any_byte_changed_is_refused(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS)
    (path,) = (tmp_path / "crosswalk").iterdir()
    whole = path.read_bytes()
    spoilt = [whole[:at] for at in range(len(whole))]
    spoilt += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    for data in (*spoilt, whole + b"\0"):
        path.write_bytes(data)
        with pytest.raises(IntegrityError, match=r"^crosswalk part b1-[0-9a-f]{16}: ") as caught:
            lookup(tmp_path, KEY, LINKS[0].pseudonym)
        assert not any(link.original in str(caught.value) for link in LINKS)


def test_a_part_under_another_name_is_refused(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS)
    (path,) = (tmp_path / "crosswalk").iterdir()
    path.rename(path.with_name("b2.part"))
    with pytest.raises(IntegrityError, match="part b2: it was changed"):
        lookup(tmp_path, KEY, LINKS[0].pseudonym)


def test_a_kill_leaves_a_whole_part_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_part(tmp_path, KEY, "b1", LINKS)
    assert lookup(tmp_path, KEY, LINKS[0].pseudonym) == []
    write_part(tmp_path, KEY, "b1", LINKS)
    assert lookup(tmp_path, KEY, LINKS[0].pseudonym) == [LINKS[0]]


@settings(max_examples=40)
@given(st.lists(st.builds(Link, *[st.text(st.characters(exclude_categories=()))] * 3), max_size=5))
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, links: list[Link]) -> None:
    vault = tmp_path_factory.mktemp("vault")
    write_part(vault, KEY, "b1", links)
    for link in links:
        assert link in lookup(vault, KEY, link.pseudonym)


def test_the_key_itself_does_not_open_a_part(tmp_path: Path) -> None:
    write_part(tmp_path, KEY, "b1", LINKS)
    ((name, data),) = parts(tmp_path).items()
    with pytest.raises(InvalidTag):
        AESGCM(KEY).decrypt(data[13:25], data[25:], data[:25] + name.encode())
