"""The data dictionary as text: what ``paxflow tables`` prints and ``docs/data-dictionary.md`` holds."""

import inspect

from curation.records import CONTROL, TABLES, Field, Reason, Record, fields

_TYPES = {"int": "int64", "float": "float64", "date": "date", "datetime": "timestamp, UTC", "bool": "bool"}
_STAGES = (
    *(CONTROL, "ingest", "deid", "catalog", "render", "segment", "consensus", "project", "measure"),
    *("mine", "similar", "ground", "labels", "route", "read", "decide", "splits", "release"),
)
"""What writes tables, in the order in which a reader meets them."""


def markdown() -> str:
    """The whole dictionary; ``docs/data-dictionary.md`` is this text, and a test compares them."""
    head = [
        "# Data dictionary",
        "",
        "Made from `curation/records/` by `paxflow tables --markdown`. A key column is marked with *.",
        "Pixels are 0-based (column, row); arrays are (z, y, x); points are (x, y, z) in mm, LPS.",
        "",
    ]
    reasons = ["## Reasons of rejects", "", *(f"- `{reason.value}`" for reason in Reason), ""]
    return "\n".join(head + [line for record in ordered() for line in _section(record)] + reasons)


def ordered() -> list[type[Record]]:
    """Tables in the order of the pipeline; those of one stage as they stand in its module."""
    return sorted(TABLES.values(), key=lambda record: _STAGES.index(record.about.stage))


def _section(record: type[Record]) -> list[str]:
    about = record.about
    rows = [f"| {_name(f)} | {type_name(f)} | {f.column.unit} | {f.column.doc} |" for f in fields(record)]
    return [
        f"## {about.name}",
        "",
        f"Written by **{about.stage}**. One row is {about.grain}. {inspect.cleandoc(record.__doc__ or '')}",
        "",
        "| column | type | unit | meaning |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


def _name(field: Field) -> str:
    return f"`{field.name}`*" if field.column.key else f"`{field.name}`"


def type_name(field: Field) -> str:
    """The type as a reader of Parquet sees it."""
    base = _TYPES.get(field.base.__name__, "string")
    shown = f"list of {base}" if field.is_list else base
    return f"{shown}, may be null" if field.nullable else shown
