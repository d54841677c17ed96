"""Builds a dictionary of concepts from a user's own UMLS (RRF files) or from a term list, in bounded memory.

Nothing of the UMLS comes with paxflow: its files and what is made of them stay with the user, under the user's licence.
Each step is a file in a folder beside the target, so that a build that was stopped goes on where it was when it is run
again; the finished folder is renamed. It holds

    manifest.json       what it was made of, with which options, and counts
    terms.parquet       cui string normalised language sab tty code ispref suppress
    concepts.parquet    cui name, the name being the source's own choice (TS P, STT PF, ISPREF Y)
    types.parquet       cui tui sty
    isa.parquet         child parent sab cyclic: part of a cycle, for sources contradict each other
    synonyms.parquet    cui1 cui2 rel sab
    match/              what ``labeling.concepts.dictionary`` reads (``index``)
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from curation.errors import BusyError, InputError, UsageError
from curation.store import atomic, digest, file_sha256, sync_folder
from labeling.concepts.columns import Strings
from labeling.concepts.index import FORMAT, read_manifest, write_concepts, write_phrases, write_types
from labeling.concepts.ngrams import write_ngrams
from labeling.concepts.rrf import rrf_path
from labeling.concepts.staging import (
    SCHEMAS,
    TERM_LIST,
    Options,
    stage_hierarchy,
    stage_relations,
    stage_term_list,
    stage_terms,
    stage_types,
)

_MEMORY = "1GB"
_TABLES = ("MRCONSO", "MRSTY", "MRREL", "MRHIER")
_ROWS_AT_ONCE = 100_000
_STAGES = {
    "MRCONSO": (stage_terms, "terms"),
    "MRSTY": (stage_types, "types"),
    "MRHIER": (stage_hierarchy, "hierarchy"),
}

Tell = Callable[[str], None]


def build(source: Path, target: Path, options: Options | None = None, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Make a dictionary folder; returns its manifest.

    ``source`` is a folder of RRF files (MRCONSO, and MRSTY, MRREL, MRHIER where they are; also ``.gz``), or a term list
    (``id<TAB>name|synonym…[<TAB>parent|…]``).

    ``tell`` hears the name of each step. Does nothing if the target was made of the same. Raises UsageError where the
    target is something else, InputError where the source cannot be used.
    """
    options, target = options or Options(), target.resolve()
    inputs = _inputs(source, options)
    tell("reading")
    plan = {
        "format": FORMAT,
        "inputs": {name: file_sha256(path) for name, path in inputs.items()},
        "options": asdict(options),
    }
    name = digest(plan)
    work = target.with_name(f"{target.name}.{name[:12]}.partial")
    try:
        if target.exists():
            return _same(target, name)
        with _alone(target):
            if target.exists():  # another process was quicker
                return _same(target, name)
            _clear(target, work)
            (work / "spill").mkdir(parents=True, exist_ok=True)
            counts = _run(_Work(work, inputs, options, tell))
            _finish(work, target, {**plan, "digest": name, "counts": counts})
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:  # DuckDB's own words name files
        why = error.strerror if isinstance(error, OSError) else "the disk or the memory may be full"
        raise UsageError(
            f"{target.name}: cannot be written: {why}; make room or name another; it goes on then"
        ) from None
    return read_manifest(target)


def _finish(work: Path, target: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest, indent=1, sort_keys=True)
    (work / "manifest.json").write_text(f"{text}\n", encoding="utf-8")
    for left in ("staged", "spill"):
        shutil.rmtree(work / left, ignore_errors=True)
    work.replace(target)
    sync_folder(target.parent)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Holds a lock beside the target, which the kernel frees however the process ends; raises BusyError if held."""
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f".{target.name}.lock")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                raise BlockingIOError
        except (BlockingIOError, FileNotFoundError):  # held; or removed at this moment by who held it
            raise BusyError(f"another process builds {target.name}: wait for it to end") from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _clear(target: Path, work: Path) -> None:
    """Remove what stopped builds of other inputs or options left."""
    for other in target.parent.iterdir():
        is_partial = other.name.startswith(f"{target.name}.") and other.suffix == ".partial"
        if is_partial and other != work:
            shutil.rmtree(other)


def codes(folder: Path, sab: str) -> pa.Table:
    """The codes of one source (SNOMEDCT_US, RADLEX, …): columns cui, code, name, sorted; one row a concept and code.

    Raises UsageError if the dictionary has no term of that source.
    """
    sql = """select cui, code, arg_min(string, (not ispref, string)) as name from read_parquet($file)
        where sab = $sab and code <> '' group by 1, 2 order by 1, 2"""
    found = list(_asked(folder, sql, "terms", sab=sab))
    if not found:
        raise UsageError("expected a source (SAB) of this dictionary, got another: `paxflow umls show` lists them")
    return pa.Table.from_batches(found)


def sources(folder: Path) -> list[tuple[str, str, int, int]]:
    """Source, language, terms and concepts of each, the largest first."""
    sql = """select sab, language, count(*) as terms, count(distinct cui) as concepts from read_parquet($file)
        group by 1, 2 order by 3 desc, 1, 2"""
    return [tuple(row.values()) for batch in _asked(folder, sql, "terms") for row in batch.to_pylist()]


def isa(folder: Path) -> Iterator[tuple[str, str]]:
    """Child and parent of each distinct edge of the hierarchy, without those in a cycle."""
    sql = "select distinct child, parent from read_parquet($file) where not cyclic order by 1, 2"
    for batch in _asked(folder, sql, "isa"):
        yield from zip(batch["child"].to_pylist(), batch["parent"].to_pylist(), strict=True)


def _asked(folder: Path, sql: str, name: str, **named: str) -> Iterator[pa.RecordBatch]:
    read_manifest(folder)
    try:
        with _connected(None) as connection:
            yield from _batches(connection.sql(sql, params={"file": str(folder / f"{name}.parquet"), **named}))
    except (duckdb.Error, pa.ArrowException):
        raise InputError(f"the dictionary's {name}.parquet is not there, or broken: build it again") from None


def _inputs(source: Path, options: Options) -> dict[str, Path]:
    if source.is_file():
        if options != Options():
            raise UsageError("a term list has no languages, sources or semantic types to choose from")
        return {TERM_LIST: source}
    found = {table: path for table in _TABLES if (path := rrf_path(source, table))}
    if "MRCONSO" not in found:
        raise InputError("expected MRCONSO.RRF or MRCONSO.RRF.gz in the folder, found none")
    if options.types and "MRSTY" not in found:
        raise InputError("semantic types were asked for: expected MRSTY.RRF in the folder, found none")
    return found


def _same(target: Path, name: str) -> dict[str, Any]:
    try:
        manifest = read_manifest(target)
    except InputError:
        manifest = {}
    if manifest.get("digest") != name:
        raise UsageError("the target is there already, and made of something else: remove it, or name another")
    return manifest


@dataclass(frozen=True)
class _Work:
    """One build: where it works, and on what."""

    folder: Path
    inputs: dict[str, Path]
    options: Options
    tell: Tell

    def staged(self, name: str) -> str:
        """A file of rows taken in."""
        return str(self.folder / "staged" / f"{name}.parquet")

    def filled(self, sql: str) -> str:
        """A statement with the files in place of their names: the rows taken in, and the concepts."""
        files = {**{name: self.staged(name) for name in SCHEMAS}, "concepts": self.made("concepts")}
        for name, file in files.items():
            sql = sql.replace(f"${name}", f"'{_quoted(file)}'")
        return sql

    def made(self, name: str) -> str:
        """A file of the dictionary."""
        return str(self.folder / f"{name}.parquet")


def _run(work: _Work) -> dict[str, Any]:
    """All steps; returns their counts."""
    for name in ("staged", "match"):
        (work.folder / name).mkdir(exist_ok=True)
    counts: dict[str, Any] = {"lines": {}, "malformed": {}}
    for table in work.inputs:
        read = _once(work, table, partial(_stage, table=table))
        counts["lines"][table], counts["malformed"][table] = read["lines"], read["malformed"]
    for name, schema in SCHEMAS.items():
        if not Path(work.staged(name)).exists():
            pq.write_table(schema.empty_table(), work.staged(name))
    for step in (_concepts, _terms, _types, _synonyms, _isa, _match):
        counts |= _once(work, step.__name__.strip("_"), step)
    return counts


def _once(work: _Work, name: str, step: Callable[[_Work], dict[str, int]]) -> dict[str, int]:
    """What a step counted; it is not done again if an earlier build did it."""
    mark = work.folder / "staged" / f"{name}.json"
    if mark.exists():
        done: dict[str, int] = json.loads(mark.read_text(encoding="utf-8"))
        return done
    work.tell(name)
    counted = step(work)
    with atomic(mark) as temporary:
        temporary.write_text(json.dumps(counted), encoding="utf-8")
    return counted


def _stage(work: _Work, table: str) -> dict[str, int]:
    """Rows of one input that pass the filters."""
    path = work.inputs[table]
    if table == TERM_LIST:
        read = stage_term_list(path, Path(work.staged("terms")), Path(work.staged("edges")))
    elif table == "MRREL":
        read = stage_relations(path, Path(work.staged("edges")), Path(work.staged("synonyms")), work.options)
    else:
        stage, name = _STAGES[table]
        read = stage(path, Path(work.staged(name)), work.options)
    return {"lines": read.read, "malformed": read.malformed}


def _concepts(work: _Work) -> dict[str, int]:
    """Concepts with a term, and with a wanted type where types were asked for; the best name of each."""
    typed = "select cui, string from read_parquet($terms) where cui in (select cui from read_parquet($types))"
    sql = typed if work.options.types else "select cui, string from read_parquet($terms)"
    sql += " order by cui, rank, string"
    schema = pa.schema([("cui", pa.string()), ("name", pa.string()), ("position", pa.int64())])
    count, before = 0, None
    with pq.ParquetWriter(work.made("concepts"), schema, compression="zstd") as writer:
        for batch in _rows(work, sql):
            ids = batch["cui"].to_pylist()
            first = [one != other for one, other in zip(ids, [before, *ids[:-1]], strict=True)]
            before = ids[-1]
            best = pa.table(batch.filter(pa.array(first)))
            positions = pa.array(np.arange(count, count + best.num_rows))
            count += best.num_rows
            writer.write_table(pa.table([best["cui"], best["string"], positions], schema=schema))
    if not count:
        raise InputError("nothing is left: expected terms that pass the filters, got none; try fewer filters")
    return {"concepts": count}


def _terms(work: _Work) -> dict[str, int]:
    sql = """select cui, string, normalised, language, sab, tty, code, ispref, suppress
        from read_parquet($terms) where cui in (select cui from read_parquet($concepts))"""
    return {"terms": _written(work, work.made("terms"), sql)}


def _types(work: _Work) -> dict[str, int]:
    sql = """select distinct cui, tui, sty
        from read_parquet($types) where cui in (select cui from read_parquet($concepts)) order by 1, 2"""
    return {"types": _written(work, work.made("types"), sql)}


def _synonyms(work: _Work) -> dict[str, int]:
    sql = """select distinct cui1, cui2, rel, sab from read_parquet($synonyms)
        where cui1 in (select cui from read_parquet($concepts)) and cui2 in (select cui from read_parquet($concepts))
        order by 1, 2, 3, 4"""
    return {"synonyms": _written(work, work.made("synonyms"), sql)}


def _isa(work: _Work) -> dict[str, int]:
    """Edges of MRREL and MRHIER between concepts that were taken, once for each source; those in a cycle are marked."""
    sql = """with atoms as (select aui, cui from read_parquet($terms) where aui <> ''),
        edges as (
            select child, parent, sab from read_parquet($edges)
            union all
            select low.cui, high.cui, sab from read_parquet($hierarchy) h
                join atoms low on low.aui = h.aui join atoms high on high.aui = h.paui)
        select distinct child, parent, edges.sab, c.position as low, p.position as high from edges
        join read_parquet($concepts) c on c.cui = child join read_parquet($concepts) p on p.cui = parent
        where child <> parent order by 1, 2, 3"""
    raw = work.staged("isa")
    _written(work, raw, sql)
    places = pq.read_table(raw, columns=["low", "high"])
    low, high = (np.asarray(places[name]).astype(np.int32) for name in ("low", "high"))
    size = int(max(low.max(initial=0), high.max(initial=0))) + 1
    graph = coo_array((np.ones(len(low), np.int8), (low, high)), shape=(size, size))
    group = connected_components(graph, connection="strong")[1]
    cyclic = group[low] == group[high]
    schema = pa.schema([(name, pa.string()) for name in ("child", "parent", "sab")] + [("cyclic", pa.bool_())])
    done = 0
    with pq.ParquetWriter(work.made("isa"), schema, compression="zstd") as writer, pq.ParquetFile(raw) as file:
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=["child", "parent", "sab"]):
            marks = pa.array(cyclic[done : done + batch.num_rows])
            done += batch.num_rows
            writer.write_table(pa.table([*batch.columns, marks], schema=schema))
    return {"isa": done, "isa_in_cycles": int(cyclic.sum())}


def _match(work: _Work) -> dict[str, int]:
    folder = work.folder / "match"
    write_concepts(folder, _rows(work, "select cui, name from read_parquet($concepts) order by position"))
    write_types(
        folder,
        _rows(
            work,
            """select distinct position, cast(substr(tui, 2) as usmallint) as tui
            from read_parquet($types) join read_parquet($concepts) using (cui) order by 1, 2""",
        ),
    )
    sql = """select key, normalised, position, count(*) as n_sources,
            bool_or(ispref) as ispref, bool_or(caps) as caps, bool_or(small) as small
        from (
            select key, normalised, position, sab,
                bool_or(ispref and rank = 0) as ispref, bool_or(caps) as caps, bool_or(not caps) as small
            from read_parquet($terms) join read_parquet($concepts) using (cui) where key <> 0 group by 1, 2, 3, 4)
        group by 1, 2, 3 order by 1, 2, n_sources desc, 3"""
    n_terms = pq.read_metadata(work.staged("terms")).num_rows
    phrases, shared = write_phrases(folder, _rows(work, sql), n_terms)
    if not phrases:
        raise InputError("nothing can be found: expected terms with letters or digits, got none")
    work.tell("ngrams")
    write_ngrams(folder, Strings(folder, "phrase"))
    return {"phrases": phrases, "phrases_with_a_shared_key": shared}


def _rows(work: _Work, sql: str) -> Iterator[pa.RecordBatch]:
    with _connected(work.folder / "spill") as connection:
        yield from _batches(connection.sql(work.filled(sql)))


def _batches(found: duckdb.DuckDBPyRelation) -> Iterator[pa.RecordBatch]:
    reader: pa.RecordBatchReader = found.to_arrow_reader(_ROWS_AT_ONCE)
    yield from reader


def _written(work: _Work, target: str, sql: str) -> int:
    with _connected(work.folder / "spill") as connection:
        connection.execute(f"copy ({work.filled(sql)}) to '{_quoted(target)}' (format parquet, compression zstd)")
    return int(pq.read_metadata(target).num_rows)


def _quoted(path: str) -> str:
    return path.replace("'", "''")


@contextmanager
def _connected(spill: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of bounded memory that spills to a folder."""
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"set memory_limit='{_MEMORY}'")
        connection.execute("set threads=2")
        connection.execute("set preserve_insertion_order=false")
        if spill:
            connection.execute("set temp_directory=$1", [str(spill)])
        yield connection
    finally:
        connection.close()
