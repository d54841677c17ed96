"""Files: parts, shards, and writes that cannot be torn."""

import tarfile
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import IntegrityError
from curation.records import TABLES, Assertion, Mention, Report, Section, fields, key_of
from curation.store import ShardWriter, arrow_schema, atomic, digest, part_rows, read_member, to_arrow, write_parquet
from tests.rows import view


def report(name: str, text: str = "", on: date | None = None) -> Report:
    return Report(name, "p1", "", on, "local", "LicenseRef-local", text)


def test_rows_come_back_as_they_went_in(tmp_path: Path) -> None:
    mention = Mention(
        "m", "r", "findings", 0, 9, 2, 5, "nodule", Assertion.UNCERTAIN, "L1", "A1", "left", "", ("apex", "lung")
    )
    write_parquet(to_arrow(Mention, [mention]), tmp_path / "mentions" / "a.parquet")
    assert list(part_rows(Mention, tmp_path / "mentions" / "a.parquet")) == [mention]


@given(st.dictionaries(st.text(min_size=1), st.tuples(st.text(), st.none() | st.dates())))
def test_any_text_survives_and_order_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, made: dict[str, tuple[str, date | None]]
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    rows = [report(name, text, on) for name, (text, on) in made.items()]
    write_parquet(to_arrow(Report, rows), folder / "a.parquet")
    write_parquet(to_arrow(Report, reversed(rows)), folder / "b.parquet")
    assert (folder / "a.parquet").read_bytes() == (folder / "b.parquet").read_bytes()
    assert list(part_rows(Report, folder / "a.parquet")) == sorted(rows, key=lambda row: row.report_id)


def test_a_key_that_stands_twice_is_an_error() -> None:
    with pytest.raises(IntegrityError, match="twice"):
        to_arrow(Section, [Section("r", 0, "findings", 0, 1, 0), Section("r", 0, "impression", 1, 2, 1)])


def test_where_bytes_lie_is_not_content() -> None:
    assert digest(view(shard="bytes/a.tar")) == digest(view(shard="bytes/b.tar"))
    assert digest(view(rows=5)) != digest(view(rows=6))


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_shard_is_a_plain_tar_whose_members_are_read_by_position(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path / "s.tar", "s.tar")
    places = [writer.add(f"{number}.bin", bytes([number]) * (number * 300)) for number in range(1, 6)]
    assert writer.close()
    with tarfile.open(tmp_path / "s.tar") as archive:
        for number, (place, member) in enumerate(zip(places, archive.getmembers(), strict=True), start=1):
            assert (member.offset_data, member.size) == (place.offset, place.length)
            assert (member.mtime, member.uid, member.uname) == (0, 0, "")
            assert read_member(tmp_path, place.shard, place.offset, place.length) == bytes([number]) * (number * 300)


def test_a_shard_that_ends_early_says_so(tmp_path: Path) -> None:
    (tmp_path / "s.tar").write_bytes(b"short")
    with pytest.raises(IntegrityError, match="ends before"):
        read_member(tmp_path, "s.tar", 0, 100)


def test_a_shard_without_members_is_no_file(tmp_path: Path) -> None:
    assert not ShardWriter(tmp_path / "s.tar", "s.tar").close()
    assert not (tmp_path / "s.tar").exists()


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_has_a_key_a_grain_and_a_meaning_for_each_column(name: str) -> None:
    record = TABLES[name]
    assert key_of(record) and record.about.grain and record.__doc__
    assert all(field.column.doc for field in fields(record))
    assert arrow_schema(record).names == [field.name for field in fields(record)]


def test_a_part_is_read_by_any_parquet_reader(tmp_path: Path) -> None:
    write_parquet(to_arrow(Report, [report("r", "text", date(2020, 1, 2))]), tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet").to_pylist()[0]["report_date"] == date(2020, 1, 2)
