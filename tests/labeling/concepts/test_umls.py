"""A dictionary built from made-up RRF files: what is taken, what is not, and what a stopped build leaves."""

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from curation.errors import BusyError, InputError, UsageError
from labeling.concepts import umls
from labeling.concepts.dictionary import MOST_CANDIDATES, Dictionary
from labeling.concepts.index import read_manifest
from labeling.concepts.keys import MOST_TOKENS
from labeling.concepts.rrf import Lines
from labeling.concepts.staging import Options
from labeling.concepts.umls import build, codes, isa, sources
from tests.labeling.concepts.made import big_umls, small_umls

ALL = Options(languages=())


@pytest.fixture(scope="module")
def rrf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_umls(tmp_path_factory.mktemp("rrf"))


@pytest.fixture(scope="module")
def made(rrf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("made") / "dictionary"
    build(rrf, target)
    return target


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / f"{table}.parquet").to_pylist()
    return found


def column(folder: Path, table: str, name: str) -> list[Any]:
    return [row[name] for row in rows(folder, table)]


def test_english_terms_that_are_not_obsolete_are_taken(made: Path) -> None:
    strings = column(made, "terms", "string")
    assert "Fluid, blorbic" in strings and "blorbic water" not in strings and len(strings) == 10
    assert not any("Fl\u00fcssigkeit" in string for string in strings)


def test_a_quote_is_a_plain_character(made: Path) -> None:
    assert 'The "quoted" sign' in column(made, "terms", "string")
    assert "the quoted sign" in column(made, "terms", "normalised")


def test_the_name_of_a_concept_is_the_one_its_source_prefers(made: Path) -> None:
    names = dict(zip(column(made, "concepts", "cui"), column(made, "concepts", "name"), strict=True))
    assert names["C9000001"] == "Blorbic fluid" and names["C9000003"] == "Zanthum collapse"


def test_kinds_make_the_hierarchy_and_parts_do_not(made: Path) -> None:
    edges = {(row["child"], row["parent"]): row["cyclic"] for row in rows(made, "isa")}
    assert edges == {
        ("C9000001", "C9000002"): False,  # said twice, from both sides
        ("C9000003", "C9000007"): False,  # PAR without a name
        ("C9000006", "C9000007"): False,  # of MRHIER; that of MRREL is obsolete
        ("C9000004", "C9000005"): True,
        ("C9000005", "C9000004"): True,
    }
    assert list(isa(made)) == [pair for pair, cyclic in edges.items() if not cyclic]


def test_synonyms_are_edges_between_concepts(made: Path) -> None:
    assert rows(made, "synonyms") == [{"cui1": "C9000004", "cui2": "C9000005", "rel": "SY", "sab": "SRCA"}]


def test_counts_and_inputs_stand_in_the_manifest(made: Path) -> None:
    manifest = read_manifest(made)
    assert manifest["counts"]["lines"] == {"MRCONSO": 12, "MRSTY": 7, "MRREL": 11, "MRHIER": 3}
    assert (manifest["counts"]["concepts"], manifest["counts"]["isa_in_cycles"]) == (7, 2)
    assert set(manifest["inputs"]) == {"MRCONSO", "MRSTY", "MRREL", "MRHIER"}
    assert manifest["options"] == {"languages": ["ENG"], "sources": [], "types": []}


def test_nothing_is_left_beside_the_dictionary(made: Path) -> None:
    assert [path.name for path in made.parent.iterdir()] == ["dictionary"]
    assert not (made / "staged").exists() and not (made / "spill").exists()


@pytest.mark.parametrize(
    ("options", "concepts"),
    [
        (Options(types=("T047",)), {"C9000003", "C9000007"}),
        (Options(types=("disease OR syndrome", "T033")), {"C9000003", "C9000006", "C9000007"}),
        (Options(sources=("SRCB",)), {"C9000001", "C9000003", "C9000004", "C9000005"}),
        (Options(languages=("GER",)), {"C9000001"}),
        (Options(languages=("GER", "ENG"), types=("T046",)), {"C9000001"}),
    ],
)
def test_filters(rrf: Path, tmp_path: Path, options: Options, concepts: set[str]) -> None:
    build(rrf, tmp_path / "d", options)
    assert set(column(tmp_path / "d", "concepts", "cui")) == concepts
    assert set(column(tmp_path / "d", "terms", "cui")) == concepts
    kept = {row[side] for row in rows(tmp_path / "d", "isa") for side in ("child", "parent")}
    assert kept <= concepts


def test_other_languages_keep_their_letters(rrf: Path, tmp_path: Path) -> None:
    build(rrf, tmp_path / "d", ALL)
    found = Dictionary.open(tmp_path / "d").find(["BLORBISCHE FLÜSSIGKEIT links"])[0]
    assert [(one.start, one.end, one.candidates[0].concept_id) for one in found] == [(0, 22, "C9000001")]


def test_zipped_files_make_the_same_tables(tmp_path: Path, made: Path) -> None:
    build(small_umls(tmp_path / "zipped", zipped=True), tmp_path / "d")
    for table in ("terms", "concepts", "types", "isa", "synonyms"):
        assert rows(tmp_path / "d", table) == rows(made, table)
    for path in (made / "match").iterdir():
        assert path.read_bytes() == (tmp_path / "d" / "match" / path.name).read_bytes(), path.name


def test_malformed_lines_are_counted_and_left_out(tmp_path: Path, made: Path) -> None:
    bad = [
        "C9000008|ENG|P|L|PF\n",  # columns missing
        "C9000008|ENG|P|L|PF|S|Y|A90||||SRCA|PT|a-8|one|two|0|N||\n",  # a column too many
        "C9000008|ENG|P|L|PF|S|Y|A91||||SRCA|PT|a-8|bl\udcffrb|0|N||\n",  # not UTF-8
    ]
    manifest = build(small_umls(tmp_path / "rrf", MRCONSO=bad, MRSTY=["C9000008\n"]), tmp_path / "d")
    assert manifest["counts"]["malformed"] == {"MRCONSO": 3, "MRSTY": 1, "MRREL": 0, "MRHIER": 0}
    assert manifest["counts"]["lines"]["MRCONSO"] == 15
    assert rows(tmp_path / "d", "terms") == rows(made, "terms")


def test_a_file_of_bytes_that_are_no_text_has_no_terms(tmp_path: Path) -> None:
    (tmp_path / "MRCONSO.RRF").write_bytes(b"\xff|".join([b""] * 19) + b"\n")
    with pytest.raises(InputError, match="nothing is left"):
        build(tmp_path, tmp_path / "d")


def test_only_terms_are_needed(rrf: Path, tmp_path: Path) -> None:
    (tmp_path / "MRCONSO.RRF").write_bytes((rrf / "MRCONSO.RRF").read_bytes())
    (tmp_path / "MRREL.RRF").write_bytes(b"")
    counts = build(tmp_path, tmp_path / "d")["counts"]
    assert (counts["concepts"], counts["types"], counts["isa"], counts["lines"]["MRREL"]) == (7, 0, 0, 0)


def test_types_without_their_file_are_refused(rrf: Path, tmp_path: Path) -> None:
    (tmp_path / "MRCONSO.RRF").write_bytes((rrf / "MRCONSO.RRF").read_bytes())
    with pytest.raises(InputError, match="MRSTY"):
        build(tmp_path, tmp_path / "d", Options(types=("T047",)))


def test_a_folder_without_terms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="MRCONSO"):
        build(tmp_path, tmp_path / "d")


def test_two_forms_of_one_file_are_refused(tmp_path: Path) -> None:
    small_umls(tmp_path, zipped=True)
    small_umls(tmp_path)
    with pytest.raises(UsageError, match="both"):
        build(tmp_path, tmp_path / "d")


def test_a_filter_that_leaves_nothing_is_said(rrf: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing is left"):
        build(rrf, tmp_path / "d", Options(sources=("SRCZ",)))
    assert not (tmp_path / "d").exists()


def test_terms_without_a_letter_cannot_be_found(tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_text("R1\t...\n")
    with pytest.raises(InputError, match="letters"):
        build(tmp_path / "terms.tsv", tmp_path / "d")


def test_a_skipped_line_counts_as_read_and_as_malformed() -> None:
    lines = Lines(read=3)
    assert lines.skip() == "skip" and lines == Lines(read=4, malformed=1)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    small_umls(tmp_path, zipped=True)
    whole = (tmp_path / "MRCONSO.RRF.gz").read_bytes()
    (tmp_path / "MRCONSO.RRF.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"MRCONSO\.RRF"):
        build(tmp_path, tmp_path / "d")


def test_built_again_of_the_same_nothing_is_done(rrf: Path, made: Path) -> None:
    steps: list[str] = []
    assert build(rrf, made, tell=steps.append) == read_manifest(made)
    assert steps == ["reading"]


@pytest.mark.parametrize("there", ["another dictionary", "another folder"])
def test_what_is_there_already_is_not_touched(rrf: Path, tmp_path: Path, there: str) -> None:
    if there == "another folder":
        (tmp_path / "d").mkdir()
    else:
        build(rrf, tmp_path / "d")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="there already"):
        build(rrf, tmp_path / "d", ALL)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("stops_in", "done_again"),
    [
        ("stage_relations", ["MRREL", "MRHIER", "concepts", "terms", "types", "synonyms", "isa", "match", "ngrams"]),
        ("write_phrases", ["match", "ngrams"]),
    ],
)
def test_a_stopped_build_goes_on_where_it_was(
    rrf: Path, tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch, stops_in: str, done_again: list[str]
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(umls, stops_in, stop)
        with pytest.raises(KeyboardInterrupt):
            build(rrf, tmp_path / "d")
    assert not (tmp_path / "d").exists()
    steps: list[str] = []
    manifest = build(rrf, tmp_path / "d", tell=steps.append)
    assert steps == ["reading", *done_again]
    assert manifest == read_manifest(made)
    assert (tmp_path / "d" / "match" / "keys").read_bytes() == (made / "match" / "keys").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_what_a_stopped_build_of_another_choice_left_is_removed(rrf: Path, tmp_path: Path) -> None:
    (tmp_path / "d.0123456789ab.partial" / "staged").mkdir(parents=True)
    (tmp_path / "e.0123456789ab.partial").mkdir()
    build(rrf, tmp_path / "d")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "e.0123456789ab.partial"]


def test_the_target_may_lie_in_a_new_folder(rrf: Path, tmp_path: Path, made: Path) -> None:
    assert build(rrf, tmp_path / "new" / "d") == read_manifest(made)


def test_codes_of_a_source(made: Path) -> None:
    table = codes(made, "SRCB")
    assert table.column_names == ["cui", "code", "name"]
    assert table.to_pylist()[:2] == [
        {"cui": "C9000001", "code": "b-1", "name": "Fluid, blorbic"},
        {"cui": "C9000003", "code": "b-3", "name": "ALL"},
    ]
    with pytest.raises(UsageError, match="source"):
        codes(made, "SRCZ")


def test_sources_are_counted(made: Path) -> None:
    assert sources(made) == [("SRCA", "ENG", 5, 5), ("SRCB", "ENG", 5, 4)]


@pytest.mark.parametrize("content", [None, "{", '{"format": 0}'])
def test_a_folder_that_is_no_dictionary_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError):
        sources(tmp_path)


def test_a_term_list_makes_a_dictionary_of_its_own_ids(tmp_path: Path) -> None:
    listed = tmp_path / "terms.tsv"
    lines = [
        "# id, names, parents",
        "RID1\tZanthum sign|sign of Zanthum\tRID2|RID9|RID1",
        "RID2\tSign",
        "",
        "RID3",
        "\tx",
    ]
    listed.write_text("\n".join(lines), encoding="utf-8")
    counts = build(listed, tmp_path / "d")["counts"]
    assert (counts["lines"], counts["malformed"]) == ({"LIST": 4}, {"LIST": 2})
    assert [(row["cui"], row["name"]) for row in rows(tmp_path / "d", "concepts")] == [
        ("RID1", "Zanthum sign"),
        ("RID2", "Sign"),
    ]
    assert list(isa(tmp_path / "d")) == [("RID1", "RID2")]
    assert [one.concept_id for one in Dictionary.open(tmp_path / "d").exact("SIGN of zanthum")] == ["RID1"]


def test_a_long_term_list_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeling.concepts.staging._ROWS_AT_ONCE", 2)
    (tmp_path / "terms.tsv").write_text("".join(f"R{n}\tterm {n}\n" for n in range(5)))
    assert build(tmp_path / "terms.tsv", tmp_path / "d")["counts"]["concepts"] == 5


def test_a_term_list_has_nothing_to_choose(tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_text("R1\tterm\n")
    with pytest.raises(UsageError, match="term list"):
        build(tmp_path / "terms.tsv", tmp_path / "d", ALL)


def test_a_term_list_in_other_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_bytes(b"R1\tb\xf6se\n")
    with pytest.raises(InputError, match="UTF-8"):
        build(tmp_path / "terms.tsv", tmp_path / "d")


def test_a_mark_of_a_step_is_no_part_of_the_dictionary(made: Path) -> None:
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest == read_manifest(made)


def test_thousands_of_terms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeling.concepts.umls._ROWS_AT_ONCE", 500)
    counts = build(big_umls(tmp_path / "rrf", 2_000), tmp_path / "d", ALL)["counts"]
    dictionary = Dictionary.open(tmp_path / "d")
    assert counts["phrases"] == len(dictionary) and counts["concepts"] > 450
    assert len(column(tmp_path / "d", "concepts", "cui")) == len(set(column(tmp_path / "d", "concepts", "cui")))
    asked = [row for row in rows(tmp_path / "d", "terms")[::97] if len(row["normalised"].split()) <= MOST_TOKENS]
    found = {row["string"]: dictionary.exact(row["string"]) for row in asked}
    listed = [row for row in asked if len(found[row["string"]]) < MOST_CANDIDATES]
    assert len(listed) > len(asked) / 2
    assert all(row["cui"] in [one.concept_id for one in found[row["string"]]] for row in listed)


TERM = "{cui}|ENG|P|L1|PF|S1|Y|{aui}||||SRCA|PT|x|{name}|0|N||\n"


def few(folder: Path, types: str = "") -> Path:
    """One concept, and rows that lack an id or a name."""
    folder.mkdir()
    cells = (("C9000001", "A1", "blorb"), ("", "A2", "nobody"), ("C9000002", "A3", ""))
    lines = [TERM.format(cui=cui, aui=aui, name=name) for cui, aui, name in cells]
    (folder / "MRCONSO.RRF").write_text("".join(lines), encoding="utf-8")
    (folder / "MRSTY.RRF").write_text(types, encoding="utf-8")
    return folder


def test_rows_without_an_id_name_or_type_are_malformed(tmp_path: Path) -> None:
    types = "".join(f"C9000001|{tui}|B2|Sign|AT1||\n" for tui in ("T047", "047", "TX", "T99999", ""))
    counts = build(few(tmp_path / "rrf", types), tmp_path / "d")["counts"]
    assert counts["malformed"] == {"MRCONSO": 2, "MRSTY": 4}
    assert (counts["concepts"], counts["types"]) == (1, 1)


def test_a_packed_file_that_is_broken_cannot_be_used(tmp_path: Path) -> None:
    folder = few(tmp_path / "rrf")
    lines = "".join(TERM.format(cui=f"C{n:07}", aui=f"A{n}", name=f"blorb {n * 7919 % 10_007}") for n in range(5_000))
    packed = bytearray(gzip.compress(lines.encode()))
    packed[2_000:2_050] = bytes(50)
    (folder / "MRCONSO.RRF").unlink()
    (folder / "MRCONSO.RRF.gz").write_bytes(packed)
    with pytest.raises(InputError, match="may be cut"):
        build(folder, tmp_path / "d")


def test_two_builds_of_one_target_do_not_meet(tmp_path: Path) -> None:
    folder, target = few(tmp_path / "rrf"), tmp_path / "d"

    def again(step: str) -> None:
        if step == "MRCONSO":
            with pytest.raises(BusyError, match="another process"):
                build(folder, target)

    build(folder, target, tell=again)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "rrf"]


def test_a_build_that_another_has_just_made_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, target = few(tmp_path / "rrf"), tmp_path / "d"

    @contextmanager
    def slow(path: Path) -> Iterator[None]:
        monkeypatch.undo()
        build(folder, path)
        yield

    monkeypatch.setattr(umls, "_alone", slow)
    assert build(folder, target)["counts"]["concepts"] == 1


def test_a_lock_that_was_removed_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.samestat", lambda *_: False)
    with pytest.raises(BusyError):
        build(few(tmp_path / "rrf"), tmp_path / "d")


def test_a_target_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        build(few(tmp_path / "rrf"), tmp_path / "file" / "d")


def test_no_room_for_what_is_sorted_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(work: object) -> dict[str, int]:
        raise duckdb.OutOfMemoryException("words that name a file")

    monkeypatch.setattr(umls, "_run", full)
    with pytest.raises(UsageError, match="may be full; make room"):
        build(few(tmp_path / "rrf"), tmp_path / "d")


def test_a_table_that_was_cut_is_built_again(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "d")
    os.truncate(folder / "terms.parquet", 1)
    with pytest.raises(InputError, match=r"terms\.parquet is not there, or broken"):
        sources(folder)
