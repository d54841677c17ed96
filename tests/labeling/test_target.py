"""Where a user's file may be written, and where not."""

import errno
import os
from pathlib import Path

import pytest

from curation.errors import UsageError
from labeling.target import check_target, new_file


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("before", encoding="utf-8")
    return path


def test_a_new_file_comes_when_all_is_done(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "out"
    with new_file(target, [source]) as pending:
        pending.write_text("after", encoding="utf-8")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "after"


def test_a_link_stays_one_and_what_it_means_is_written(source: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(source)
    with new_file(link) as pending:
        pending.write_text("after", encoding="utf-8")
    assert link.is_symlink()
    assert source.read_text(encoding="utf-8") == "after"


@pytest.mark.parametrize("place", [".", "pipe"])
def test_a_folder_or_device_is_left_as_it_is(place: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="a folder, device or pipe"):
        check_target(tmp_path / place)


@pytest.mark.parametrize("name", ["in.jsonl", "link", "hard", "not there"])
def test_what_is_read_is_not_written_over(name: str, source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "hard").hardlink_to(source)
    with pytest.raises(UsageError, match="not what is read"):
        check_target(tmp_path / name, [source, tmp_path / "not there"])


def test_what_is_written_would_be_read_in_the_folder_of_reports(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nor in that folder"):
        check_target(tmp_path / "deep" / "out", [tmp_path])


def test_links_that_go_round_are_no_place(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(UsageError, match="cannot be looked at"):
        check_target(tmp_path / "a")


def test_no_room_leaves_nothing(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No space left"), new_file(source) as pending:
        pending.write_text("half", encoding="utf-8")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    assert source.read_text(encoding="utf-8") == "before"


def test_a_file_is_no_folder(source: Path) -> None:
    with pytest.raises(UsageError, match="cannot be"), new_file(source / "out"):
        pass
