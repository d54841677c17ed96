"""What a table is: one frozen dataclass, its columns, its key."""

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar


@dataclass(frozen=True)
class Column:
    """What a column means; ``place`` marks where bytes lie, which is not part of a row's content."""

    doc: str
    key: bool = False
    unit: str = ""
    place: bool = False


@dataclass(frozen=True)
class Table:
    """Name, writing stage and grain of a table."""

    name: str
    stage: str
    grain: str
    in_vault: bool = False
    """Its rows speak of originals: they never leave the vault."""


class Record:
    """Base of all rows; ``about`` is filled in by ``@table``."""

    __slots__ = ()
    about: ClassVar[Table]


R = TypeVar("R", bound=Record)
TABLES: dict[str, type[Record]] = {}
CONTROL = "each stage"


def table(name: str, stage: str, grain: str, in_vault: bool = False) -> Callable[[type[R]], type[R]]:
    """Register a record type as the table ``name`` written by ``stage``."""

    def register(record: type[R]) -> type[R]:
        record.about = Table(name, stage, grain, in_vault)
        TABLES[name] = record
        return record

    return register


@dataclass(frozen=True)
class Field:
    """One column as the schema sees it: ``base`` is the type of a value or of a list's items."""

    name: str
    base: type
    is_list: bool
    nullable: bool
    column: Column


_FIELDS: dict[type[Record], tuple[Field, ...]] = {}


def fields(record: type[Record]) -> tuple[Field, ...]:
    """The columns of a record type in order."""
    if record not in _FIELDS:  # reading annotations costs a thousand times what using them does
        _FIELDS[record] = tuple(_fields(record))
    return _FIELDS[record]


def _fields(record: type[Record]) -> Iterator[Field]:
    hints = typing.get_type_hints(record, include_extras=True)
    for field in dataclasses.fields(record):  # type: ignore[arg-type]  # every Record is a dataclass
        hint = hints[field.name]
        kind, column = typing.get_args(hint)
        nullable = isinstance(kind, types.UnionType)
        if nullable:
            kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
        is_list = typing.get_origin(kind) is tuple
        base = typing.get_args(kind)[0] if is_list else kind
        yield Field(field.name, base, is_list, nullable, column)


def key_of(record: type[Record]) -> tuple[str, ...]:
    """Names of the key columns, in order."""
    return tuple(field.name for field in fields(record) if field.column.key)


def content(row: Record) -> dict[str, Any]:
    """A row without the columns that only say where bytes lie: what fingerprints are made of."""
    return {f.name: getattr(row, f.name) for f in fields(type(row)) if not f.column.place}
