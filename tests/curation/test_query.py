"""SQL: what is answered, and every way out that must be shut."""

from pathlib import Path

import duckdb
import pytest

from curation.dictionary import markdown
from curation.errors import InputError, UsageError
from curation.query import export, open_tables, query
from curation.workspace import Workspace
from tests.rows import workspace_with_rows


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace_with_rows(tmp_path_factory.mktemp("query") / "it's a workspace")


def test_a_select_is_answered(workspace: Workspace) -> None:
    names, rows = query(workspace, "select view_id, label from masks order by 1")
    assert names == ["view_id", "label"]
    assert rows == [("view1", "heart"), ("view2", "heart")]


def test_a_table_without_rows_can_be_asked(workspace: Workspace) -> None:
    assert query(workspace, "select count(*) from sections")[1] == [(0,)]


@pytest.mark.parametrize("name", sorted(open_tables()))
def test_every_open_table_can_be_asked(workspace: Workspace, name: str) -> None:
    query(workspace, f'select * from "{name}"')


def test_the_vault_is_not_among_the_tables(workspace: Workspace) -> None:
    assert "sources" not in open_tables()
    with pytest.raises(UsageError):
        query(workspace, "select * from sources")


def quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@pytest.mark.parametrize(
    "sql",
    [
        "select * from '/etc/passwd'",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('{root}/params.yaml')",
        "select * from read_text('{masks}/../../../params.yaml')",
        "select * from glob('/**')",
        "select * from read_parquet('https://example.org/a.parquet')",
        "copy (select 1) to '{masks}/out.csv'",
        "attach '{masks}/new.db'",
        "set enable_external_access=true",
        "install httpfs",
        "pragma database_list",
        "drop view masks",
        "select 1; select 2",
        "select getenv('HOME')",
        "",
        "selec",
    ],
)
def test_everything_else_is_refused(workspace: Workspace, sql: str) -> None:
    with pytest.raises(UsageError):
        query(workspace, sql.format(root=quoted(workspace.root), masks=quoted(workspace.tables("project") / "masks")))
    assert not list(workspace.root.rglob("out.csv")) + list(workspace.root.rglob("new.db"))


def test_an_error_does_not_quote_a_value(workspace: Workspace) -> None:
    with pytest.raises(UsageError) as error:
        query(workspace, "select cast(text as integer) from reports")
    assert "nodule" not in str(error.value)


def test_the_exported_file_opens_alone_and_explains_itself(workspace: Workspace, tmp_path: Path) -> None:
    assert export(workspace, tmp_path / "all.duckdb") == len(open_tables())
    with duckdb.connect(str(tmp_path / "all.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from masks").fetchone() == (2,)
        told = connection.execute("select comment from duckdb_columns() where column_name = 'rle'").fetchone()
    assert told is not None and "COCO" in told[0]


def test_an_empty_workspace_has_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to export"):
        export(Workspace(tmp_path), tmp_path / "all.duckdb")


def test_the_data_dictionary_in_docs_is_the_one_in_the_code() -> None:
    assert Path("docs/data-dictionary.md").read_text() == markdown() + "\n", (
        "run `paxflow tables --markdown > docs/data-dictionary.md`"
    )
