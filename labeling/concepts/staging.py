"""What is taken from RRF files or a term list: rows that pass the filters, as Parquet, in constant memory.

    terms       MRCONSO; rank 0 is the best name of a concept, caps says that it is all in capitals
    types       MRSTY
    edges       MRREL: which concept is a kind of which
    synonyms    MRREL: which concepts a source holds to be the same or alike
    hierarchy   MRHIER: atoms and their parents

MRREL reads "CUI2 has the relationship to CUI1" (UMLS Reference Manual): in a row PAR, CUI2 is the parent. Only ``isa``
and its inverse make a hierarchy, and PAR or CHD without a name; ``part_of`` and others do not.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.errors import InputError
from labeling.concepts.keys import normalised, phrase_keys
from labeling.concepts.rrf import Lines, read_rrf

TERM_LIST = "LIST"


def _text(*names: str) -> list[pa.Field]:
    return [pa.field(name, pa.string()) for name in names]


SCHEMAS = {
    "terms": pa.schema(
        [
            *_text("cui", "aui", "string", "normalised"),
            pa.field("key", pa.uint64()),
            *_text("language", "sab", "tty", "code"),
            pa.field("ispref", pa.bool_()),
            pa.field("suppress", pa.string()),
            pa.field("rank", pa.uint8()),
            pa.field("caps", pa.bool_()),
        ]
    ),
    "types": pa.schema(_text("cui", "tui", "sty")),
    "edges": pa.schema(_text("child", "parent", "sab")),
    "synonyms": pa.schema(_text("cui1", "cui2", "rel", "sab")),
    "hierarchy": pa.schema(_text("aui", "paui", "sab")),
}


@dataclass(frozen=True)
class Options:
    """What of the UMLS is taken; empty means all. Obsolete and suppressed rows (SUPPRESS O, E, Y) never are."""

    languages: tuple[str, ...] = ("ENG",)
    """LAT of MRCONSO."""
    sources: tuple[str, ...] = ()
    """SAB, for terms as for relationships."""
    types: tuple[str, ...] = ()
    """Semantic types: TUI, or name in any case."""


def stage_terms(path: Path, target: Path, options: Options) -> Lines:
    """Terms of MRCONSO."""
    columns = ("CUI", "LAT", "TS", "STT", "ISPREF", "AUI", "SAB", "TTY", "CODE", "STR", "SUPPRESS")
    lines = Lines()
    with _writer(target, SCHEMAS["terms"]) as write:
        for batch in read_rrf(path, "MRCONSO", columns, lines):
            table = _kept(_whole(batch, ("CUI", "STR"), lines), options)
            if options.languages:
                table = table.filter(pc.is_in(table["LAT"], pa.array(options.languages)))
            write(_terms(table))
    return lines


def stage_types(path: Path, target: Path, options: Options) -> Lines:
    """Rows of MRSTY, of the types asked for."""
    lines, wanted = Lines(), pa.array([name.lower() for name in options.types], pa.string())
    with _writer(target, SCHEMAS["types"]) as write:
        for batch in read_rrf(path, "MRSTY", ("CUI", "TUI", "STY"), lines):
            table = _whole(batch, ("CUI",), lines, _TUI).rename_columns(SCHEMAS["types"].names)
            if options.types:
                table = table.filter(pc.or_(*(pc.is_in(pc.utf8_lower(table[name]), wanted) for name in ("tui", "sty"))))
            write(table)
    return lines


def stage_relations(path: Path, edges: Path, synonyms: Path, options: Options) -> Lines:
    """Of MRREL, who is a kind of what, and which concepts a source holds to be the same or alike."""
    columns = ("CUI1", "REL", "CUI2", "RELA", "SAB", "SUPPRESS")
    lines = Lines()
    with _writer(edges, SCHEMAS["edges"]) as write_edges, _writer(synonyms, SCHEMAS["synonyms"]) as write_synonyms:
        for batch in read_rrf(path, "MRREL", columns, lines):
            table = _kept(pa.Table.from_batches([batch]), options)
            table = table.filter(pc.not_equal(table["CUI1"], table["CUI2"]))
            unnamed = pc.equal(table["RELA"], "")
            up = pc.or_(pc.equal(table["RELA"], "inverse_isa"), pc.and_(unnamed, pc.equal(table["REL"], "PAR")))
            down = pc.or_(pc.equal(table["RELA"], "isa"), pc.and_(unnamed, pc.equal(table["REL"], "CHD")))
            write_edges(_named(table.filter(up), SCHEMAS["edges"], ("CUI1", "CUI2", "SAB")))
            write_edges(_named(table.filter(down), SCHEMAS["edges"], ("CUI2", "CUI1", "SAB")))
            alike = pc.or_(pc.is_in(table["REL"], pa.array(["SY", "RL"])), pc.equal(table["RELA"], "same_as"))
            write_synonyms(_named(table.filter(alike), SCHEMAS["synonyms"], ("CUI1", "CUI2", "REL", "SAB")))
    return lines


def stage_hierarchy(path: Path, target: Path, options: Options) -> Lines:
    """Atoms of MRHIER and their parents, of hierarchies of kinds."""
    lines = Lines()
    with _writer(target, SCHEMAS["hierarchy"]) as write:
        for batch in read_rrf(path, "MRHIER", ("AUI", "PAUI", "SAB", "RELA"), lines):
            table = _of_sources(pa.Table.from_batches([batch]), options)
            table = table.filter(
                pc.and_(pc.is_in(table["RELA"], pa.array(["", "isa"])), pc.not_equal(table["PAUI"], ""))
            )
            write(_named(table, SCHEMAS["hierarchy"], ("AUI", "PAUI", "SAB")))
    return lines


def stage_term_list(path: Path, terms: Path, edges: Path) -> Lines:
    """A list ``id<TAB>name|synonym…[<TAB>parent|…]``, the best name first; raises InputError if it is not UTF-8."""
    lines = Lines()
    with _writer(terms, SCHEMAS["terms"]) as write_terms, _writer(edges, SCHEMAS["edges"]) as write_edges:
        for rows in _listed(path, lines):
            named = [(row[0], name, place) for row in rows for place, name in enumerate(row[1])]
            ids, names, places = (list(column) for column in zip(*named, strict=True)) if named else ([], [], [])
            one = {name: pa.array([""] * len(ids)) for name in ("AUI", "LAT", "TTY", "SUPPRESS")}
            preferred = pa.array(["N" if place else "Y" for place in places], pa.string())
            flags = {"TS": pc.if_else(pc.equal(preferred, "Y"), "P", "S"), "STT": one["LAT"], "ISPREF": preferred}
            sab = pa.array([TERM_LIST] * len(ids), pa.string())
            write_terms(_terms(pa.table({"CUI": ids, "CODE": ids, "STR": names, "SAB": sab, **one, **flags})))
            pairs = [(row[0], parent) for row in rows for parent in row[2] if parent != row[0]]
            children, parents = ([pair[side] for pair in pairs] for side in (0, 1))
            write_edges(pa.table([children, parents, [TERM_LIST] * len(pairs)], schema=SCHEMAS["edges"]))
    return lines


def _listed(path: Path, lines: Lines) -> Iterator[list[tuple[str, list[str], list[str]]]]:
    """Rows of a term list, many at a time."""
    rows: list[tuple[str, list[str], list[str]]] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line in file:
                cells = line.rstrip("\r\n").split("\t")
                if not line.strip() or line.startswith("#"):
                    continue
                lines.read += 1
                names, *parents = [_parts(cell) for cell in cells[1:]] or [[]]
                if not cells[0].strip() or not names or len(parents) > 1:
                    lines.malformed += 1
                    continue
                rows.append((cells[0].strip(), names, parents[0] if parents else []))
                if len(rows) == _ROWS_AT_ONCE:
                    yield rows
                    rows = []
    except UnicodeDecodeError:
        raise InputError("the term list: expected UTF-8, got other bytes: save it as UTF-8") from None
    yield rows


_ROWS_AT_ONCE = 50_000


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _terms(table: pa.Table) -> pa.Table:
    """Terms with their normalised form and its key, and how good a name of the concept each is (0 is best)."""
    strings = table["STR"].to_pylist()
    phrases = [normalised(string) for string in strings]
    preferred = pc.equal(table["ISPREF"], "Y")
    worse = [pc.not_equal(table[name], value) for name, value in (("TS", "P"), ("STT", "PF"), ("ISPREF", "Y"))]
    rank = sum(np.asarray(one).astype(np.uint8) << place for one, place in zip(worse, (2, 1, 0), strict=True))
    caps = [string.isupper() for string in strings]
    columns = [
        *(table["CUI"], table["AUI"], table["STR"], pa.array(phrases, pa.string()), pa.array(phrase_keys(phrases)[0])),
        *(table["LAT"], table["SAB"], table["TTY"], table["CODE"], preferred, table["SUPPRESS"]),
        *(pa.array(rank, pa.uint8()), pa.array(caps, pa.bool_())),
    ]
    return pa.table(columns, schema=SCHEMAS["terms"])


_TUI = r"^T\d{3}$"


def _whole(batch: pa.RecordBatch, needed: Sequence[str], lines: Lines, tui: str = "") -> pa.Table:
    """The rows that have all that is needed; others are malformed."""
    table = pa.Table.from_batches([batch])
    for name in needed:
        table = table.filter(pc.not_equal(table[name], ""))
    if tui:
        table = table.filter(pc.match_substring_regex(table["TUI"], tui))
    lines.malformed += batch.num_rows - table.num_rows
    return table


def _kept(table: pa.Table, options: Options) -> pa.Table:
    table = _of_sources(table, options)
    return table.filter(pc.invert(pc.is_in(table["SUPPRESS"], pa.array(["O", "E", "Y"]))))


def _of_sources(table: pa.Table, options: Options) -> pa.Table:
    return table.filter(pc.is_in(table["SAB"], pa.array(options.sources))) if options.sources else table


def _named(table: pa.Table, schema: pa.Schema, columns: tuple[str, ...]) -> pa.Table:
    return table.select(columns).rename_columns(schema.names)


@contextmanager
def _writer(target: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    with pq.ParquetWriter(target, schema, compression="zstd", compression_level=1) as writer:
        yield writer.write_table
