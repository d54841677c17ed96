"""Which structure a labelmap's value stands for: tables that people keep beside a labelmap, or that it holds itself.

Numbers are the labelmap's voxel values (1 to 255), names are TotalSegmentator's class names. Numberings differ between
releases (costal cartilages are 118 in older ones and 117 in 2.x), so none is ever guessed: a table is given, or the
file holds one, or the user says ``total``.
"""

import csv
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import nibabel as nib

from curation.errors import InputError

TOTAL = "total"
"""Stands for the class numbers of TotalSegmentator v2, task ``total`` (its ``class_map``), 117 structures."""
_NUMBER_COLUMNS = ("id", "number", "value", "index", "label_id")  # the first that is there; original_idx counts groups
_NAME_COLUMNS = ("structure", "name", "label", "class")
_LINE = re.compile(r"\s*(\d+)\s*[,;:\t ]\s*\"?([A-Za-z][\w .\-/]*?)\"?\s*")
_NAME = re.compile(r"[A-Za-z][\w .\-/]*")
_EMBEDDED = re.compile(r"<Label\s+Key=\"(\d+)\"[^>]*>(?:<!\[CDATA\[)?([^<\]]+)")
_BACKGROUND = 0
_LARGEST = 255


def read_names(table: str) -> dict[int, str]:
    """Voxel value to structure, of a table's path or ``total``.

    A table is a csv or tsv with a column of numbers (id, number, value, index, label_id) and one of names (structure,
    name, label, class), nnU-Net's ``dataset.json``, a json object either way round, or lines of ``number name``.
    Raises InputError if it cannot be read, or if a number or a name stands twice or is none.
    """
    if table == TOTAL:
        return dict(_total())
    try:
        text = Path(table).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the table of names cannot be read ({type(error).__name__}): give a text file, or {TOTAL}"
        ) from None
    return _checked(_from_json(text) if text.lstrip().startswith("{") else _from_lines(text.splitlines()))


def embedded_names(image: nib.Nifti1Image) -> dict[int, str]:
    """The names that a NIfTI holds in a label table of its header's extensions, as TotalSegmentator writes them.

    Empty if it holds none; raises InputError as ``read_names``. The table is that of Connectome Workbench (caret).
    """
    for extension in image.header.extensions:
        found = _EMBEDDED.findall(extension.get_content().decode("utf-8", "replace") if _is_raw(extension) else "")
        if found:
            return _checked([(number, name) for number, name in found])
    return {}


def _is_raw(extension: Any) -> bool:
    return isinstance(extension.get_content(), bytes)


@cache
def _total() -> Mapping[int, str]:
    text = resources.files("projection").joinpath("total.tsv").read_text(encoding="utf-8")
    return _checked(_from_lines(text.splitlines()))


def _from_json(text: str) -> list[tuple[Any, Any]]:
    try:
        table = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise InputError("the table of names looks like json and is none") from None
    labels = table.get("labels", table)  # nnU-Net's dataset.json has them there
    if not isinstance(labels, dict):
        raise InputError("the table of names: expected a json object of numbers and names")
    return [(key, value) if str(key).isdigit() else (value, key) for key, value in labels.items()]


def _from_lines(lines: list[str]) -> list[tuple[Any, Any]]:
    kept = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not kept:
        raise InputError("the table of names is empty")
    delimiter = next((mark for mark in "\t;," if mark in kept[0]), ",")
    head = [cell.strip().strip('"').lower() for cell in kept[0].split(delimiter)]
    number = next((name for name in _NUMBER_COLUMNS if name in head), None)
    name = next((name for name in _NAME_COLUMNS if name in head), None)
    if number and name:
        rows = csv.reader(kept[1:], delimiter=delimiter)
        cells = [(dict(zip(head, row, strict=False))) for row in rows]
        return [(row.get(number, ""), row.get(name, "")) for row in cells]
    matches = [_LINE.fullmatch(line) for line in kept]
    if not all(matches):
        raise InputError(
            f"the table of names: line {matches.index(None) + 1} is neither a head with a column of numbers "
            f"({', '.join(_NUMBER_COLUMNS)}) and one of names ({', '.join(_NAME_COLUMNS)}) nor 'number name'"
        )
    return [(match[1], match[2]) for match in matches if match]


def _checked(rows: Iterable[tuple[Any, Any]]) -> dict[int, str]:
    """Numbers and names, each once, without the background."""
    names: dict[int, str] = {}
    for position, (number, name) in enumerate(rows, start=1):
        text, value = str(name).strip(), str(number).strip()
        if not (value.isdecimal() and len(value) <= 9 and int(value) <= _LARGEST and _NAME.fullmatch(text)):
            raise InputError(f"the table of names: row {position} is not a number from 0 to {_LARGEST} and a name")
        if int(value) in names or text in names.values():
            raise InputError(f"the table of names: row {position} repeats a number or a name")
        names[int(value)] = text
    names.pop(_BACKGROUND, None)
    if not names:
        raise InputError("the table of names holds no structure")
    return names
