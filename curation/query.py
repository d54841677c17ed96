"""SQL over the workspace: DuckDB's one home.

A query is one SELECT. It runs on an in-memory connection whose views name the workspace's Parquet parts; everything
else (other files, the network, settings, writing) is shut before the query is read.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from curation.errors import InputError, UsageError
from curation.records import CONTROL, TABLES, Record, fields
from curation.release.views import Shelf, statements
from curation.store import arrow_schema, atomic
from curation.workspace import Workspace

Rows = list[tuple[Any, ...]]
_ABOUT_THE_QUERY = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.PermissionException)
_WRITERS = (
    *("deid", "catalog", "render", "segment", "consensus", "project", "measure", "mine", "similar", "ground", "decide"),
    "route",
)
_WORKERS = tuple(stage for stage in _WRITERS if stage != "deid")  # the rejects of deid stay in the vault


def open_tables() -> dict[str, type[Record]]:
    """The tables that may be queried: all but the vault's and the releases'."""
    return {
        name: record
        for name, record in sorted(TABLES.items())
        if not record.about.in_vault and record.about.stage != "release"
    }


def parts(workspace: Workspace, record: type[Record]) -> list[Path]:
    """The Parquet parts of a table; for the tables that each stage writes, those of all stages past the border."""
    stages = _WORKERS if record.about.stage == CONTROL else (record.about.stage,)
    folders = [workspace.tables(stage) / record.about.name for stage in stages]
    return [part for folder in folders for part in sorted(folder.glob("*.parquet"))]


def query(workspace: Workspace, sql: str) -> tuple[list[str], Rows]:
    """Column names and rows of one SELECT; raises UsageError for anything else, and for SQL that is wrong."""
    _check_single_select(sql)
    return _answer(_connect(workspace), sql)


def query_release(chosen: Shelf, shelves: Sequence[Shelf], sql: str) -> tuple[list[str], Rows]:
    """The same over the versions of a release: see ``curation.release.views`` for what can be asked.

    Raises InputError where a folder holds other tables than a release.
    """
    _check_single_select(sql)
    connection = duckdb.connect(":memory:")
    try:
        for statement in statements(chosen, shelves):
            connection.execute(statement)
    except duckdb.Error:  # its text would quote folders
        raise InputError("the tables of a version are not those of a release: `paxflow release check` it") from None
    _lock(connection, {str(shelf.folder) for shelf in shelves})
    return _answer(connection, sql)


def _answer(connection: "duckdb.DuckDBPyConnection", sql: str) -> tuple[list[str], Rows]:
    try:
        found = connection.execute(sql)
        return [column[0] for column in found.description], found.fetchall()
    except duckdb.Error as error:
        raise UsageError(_without_values(error)) from None
    finally:
        connection.close()


def export(workspace: Workspace, target: Path) -> int:
    """Write every table into one self-contained DuckDB file; returns the number of tables."""
    if not any(parts(workspace, record) for record in open_tables().values()):
        raise InputError("there is nothing to export yet: run the pipeline first")
    connection = _connect(workspace, locked=False)
    with atomic(target) as temporary:
        connection.execute(f"attach '{_quoted(temporary)}' as exported")
        for name, record in open_tables().items():
            connection.execute(f'create table exported."{name}" as select * from main."{name}"')  # noqa: S608 - our names
            connection.execute(f"comment on table exported.\"{name}\" is '{_quoted(record.about.grain)}'")
            for field in fields(record):
                doc = _quoted(field.column.doc)
                connection.execute(f'comment on column exported."{name}"."{field.name}" is \'{doc}\'')
        connection.close()
    return len(open_tables())


def _connect(workspace: Workspace, locked: bool = True) -> "duckdb.DuckDBPyConnection":
    connection = duckdb.connect(":memory:")
    folders: set[str] = set()
    for name, record in open_tables().items():
        files = parts(workspace, record)
        if files:
            listed = ", ".join(f"'{_quoted(file)}'" for file in files)
            connection.execute(f'create view "{name}" as select * from read_parquet([{listed}])')  # noqa: S608 - our names
            folders |= {str(file.parent) for file in files}
        else:
            connection.register(f"empty_{name}", arrow_schema(record).empty_table())
            connection.execute(f'create table "{name}" as select * from "empty_{name}"')  # noqa: S608 - our names
            connection.unregister(f"empty_{name}")
    if locked:
        _lock(connection, folders)
    return connection


def _lock(connection: "duckdb.DuckDBPyConnection", folders: Iterable[str]) -> None:
    """From here on the connection reads below these folders, and nothing else of the machine or the network."""
    allowed = ", ".join(f"'{_quoted(folder)}'" for folder in sorted(folders))
    connection.execute(f"set allowed_directories=[{allowed}]")
    connection.execute("set python_enable_replacements=false")
    connection.execute("set enable_external_access=false")
    connection.execute("set lock_configuration=true")


def _check_single_select(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(_without_values(error)) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise UsageError(f"a query is one SELECT, this is {kinds}")


def _without_values(error: duckdb.Error) -> str:
    """DuckDB's conversion errors quote cell values; the others quote only the query."""
    if isinstance(error, _ABOUT_THE_QUERY):
        return str(error)
    return f"the query failed ({type(error).__name__}); its text would quote values, so it is not shown"


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
