"""What is new in a release since another version, by row and reason."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from curation.records import key_of
from curation.release.files import write_csv
from curation.release.opened import Opened
from curation.release.reasons import ADDED, CHANGED, NEEDED, REMOVED, Reasons

CHANGES = "changes.csv.gz"
EXAMPLES = 20
"""Keys that CHANGES.md names for each reason."""
_PLACES = ("shard", "offset", "length")
"""Where bytes lie is not what a row says."""
_SCHEMA = dict.fromkeys(("table", "key", "what", "columns", "reason"), pl.String)
_FIRST = "# Changes\n\nThis is the first version: there is none to compare with.\n"


@dataclass(frozen=True)
class TableChange:
    """How many rows of a table came, went and changed, and in how many of those each column differs."""

    added: int
    removed: int
    changed: int
    columns: Mapping[str, int]


@dataclass(frozen=True)
class Difference:
    """What differs between two versions of a release."""

    tables: Mapping[str, TableChange]
    """Of every table that either version has."""
    rows: pl.DataFrame
    """One row for each row that differs: table, key (parts between ``|``), what, columns that differ, reason."""
    parameters: Mapping[str, tuple[Any, Any]]
    """Old and new value of each parameter that differs, by its path; None: there was or is none."""
    packages: Mapping[str, tuple[Any, Any]]
    schema: tuple[str, ...]
    """Tables and columns that came, went or have another type."""


def diff(old: Opened, new: Opened) -> Difference:
    """Compare two versions of a release. Rows are the same where their key is; where bytes lie is left out."""
    parameters = _differing(old.provenance["parameters"], new.provenance["parameters"])
    parameters.pop("recipe.since", None)  # which version to compare with is no change of the rows
    reasons = Reasons.of(old, new, tuple(parameters))
    tables, parts = {}, [pl.DataFrame(schema=_SCHEMA)]
    for name in sorted({*old.names, *new.names}):
        rows = _compare(old, new, name)
        tables[name] = _counted(rows)
        parts.append(reasons.give(name, rows).select(*_SCHEMA))
    return Difference(
        tables,
        pl.concat(parts),
        parameters,
        _differing(old.provenance["packages_at_release"], new.provenance["packages_at_release"]),
        tuple(_schema(old, new)),
    )


def _compare(old: Opened, new: Opened, name: str) -> pl.DataFrame:
    """The rows that differ, in order of key within what they are, with what reasons need of them."""
    here = new if name in new.names else old
    if name not in old.names or name not in new.names:
        return _marked(here.table(name), name, key_of(here.record(name)), ADDED if here is new else REMOVED)
    before, after = old.table(name), new.table(name)
    key = [column for column in key_of(here.record(name)) if before.schema.get(column) == after.schema[column]]
    compared = [
        column
        for column, dtype in after.schema.items()
        if before.schema.get(column) == dtype and column not in key and column not in _PLACES
    ]
    was = before.select(*key, *(pl.col(column).alias(f"{column} before") for column in compared))
    differing = [
        pl.when(pl.col(column).ne_missing(pl.col(f"{column} before"))).then(pl.lit(column)) for column in compared
    ]
    columns = pl.concat_str([pl.lit(None, pl.String), *differing], separator=", ", ignore_nulls=True)
    both = after.join(was, on=key, how="inner").with_columns(columns.alias("columns")).filter(pl.col("columns") != "")
    return pl.concat(
        [
            _marked(after.join(before, on=key, how="anti"), name, key, ADDED),
            _marked(both, name, key, CHANGED),
            _marked(before.join(after, on=key, how="anti"), name, key, REMOVED),
        ],
        how="diagonal",
    )


def _marked(rows: pl.DataFrame, name: str, key: tuple[str, ...] | list[str], what: str) -> pl.DataFrame:
    return rows.sort(key).select(
        pl.lit(name).alias("table"),
        pl.concat_str([pl.col(column).cast(pl.String) for column in key], separator="|").alias("key"),
        pl.lit(what).alias("what"),
        (pl.col("columns") if what == CHANGED else pl.lit("")).alias("columns"),
        *(column for column in rows.columns if column in NEEDED),
    )


def _counted(rows: pl.DataFrame) -> TableChange:
    counts = dict(rows.group_by("what").len().iter_rows())
    columns = rows.filter(pl.col("columns") != "").select(pl.col("columns").str.split(", ").list.explode())
    differing = columns.group_by("columns").len().sort("columns").iter_rows()
    return TableChange(counts.get(ADDED, 0), counts.get(REMOVED, 0), counts.get(CHANGED, 0), dict(differing))


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Old and new value of each leaf that differs, by its path with dots."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    pairs = {path: (before.get(path), after.get(path)) for path in sorted({*before, *after})}
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


def _leaves(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield path + name, value


def _schema(old: Opened, new: Opened) -> Iterator[str]:
    for name in sorted({*old.names, *new.names}):
        if name not in old.names or name not in new.names:
            yield f"table {name} {'is new' if name in new.names else 'is gone'}"
            continue
        before, after = old.table(name).schema, new.table(name).schema
        for column in sorted({*before, *after}):
            if column not in before or column not in after:
                yield f"{name}: column {column} {'is new' if column in after else 'is gone'}"
            elif before[column] != after[column]:
                yield f"{name}: column {column} was {before[column]} and is {after[column]}"


# --- written ---------------------------------------------------------------------------------------------


def write_changes(release: Opened, previous: Opened | None) -> None:
    """Write ``CHANGES.md`` into the release, and every row that differs as ``changes.csv.gz``."""
    difference = diff(previous, release) if previous else None
    rows = difference.rows if difference else pl.DataFrame(schema=_SCHEMA)
    write_csv(rows.to_arrow(), release.folder / CHANGES)
    text = markdown(difference, CHANGES) if difference else _FIRST
    (release.folder / "CHANGES.md").write_text(text, encoding="utf-8")


def markdown(difference: Difference, all_rows: str = "") -> str:
    """The difference as a page: counts, what was set otherwise, reasons with examples.

    ``all_rows`` names the file that has every row that differs, if there is one.
    """
    lines = ["# Changes", "", "| table | added | removed | changed | columns that differ |", "|---|--:|--:|--:|---|"]
    for name, change in difference.tables.items():
        if not (change.added or change.removed or change.changed):
            continue
        columns = ", ".join(f"{column} ({count:,})" for column, count in change.columns.items())
        lines.append(f"| {name} | {change.added:,} | {change.removed:,} | {change.changed:,} | {columns} |")
    for title, values in (("Parameters", difference.parameters), ("Packages", difference.packages)):
        if values:
            lines += ["", f"## {title}", ""]
            lines += [f"- `{path}`: {_shown(old)} → {_shown(new)}" for path, (old, new) in values.items()]
    if difference.schema:
        lines += ["", "## Columns", "", *(f"- {line}" for line in difference.schema)]
    return "\n".join([*lines, *_reasons(difference.rows, all_rows)]) + "\n"


def _shown(value: Any) -> str:
    return "not set" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _reasons(rows: pl.DataFrame, all_rows: str) -> Iterator[str]:
    yield from ("", "## Rows", "")
    if rows.is_empty():
        yield "No row differs."
        return
    yield (f"All of them stand in `{all_rows}`; here are u" if all_rows else "U") + f"p to {EXAMPLES} of each kind."
    for (table, what, reason), some in rows.group_by("table", "what", "reason", maintain_order=True):
        keys = ", ".join(f"`{key}`" for key in some["key"].head(EXAMPLES))
        yield from (
            "",
            f"**{table}: {len(some):,} {what}, {reason}**",
            "",
            keys + (", …" if len(some) > EXAMPLES else ""),
        )
