"""No text of a release holds an identifier: by form, which needs no vault, and by value where the values are at hand.

Numbers are no texts: a patient's number of six figures would be found among offsets and areas. What the CSV twins hold
the tables hold; of pictures only what is not pixels is looked at.
"""

import gzip
import tarfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from curation.audit import planted, search
from curation.deid.keys.identity import Identifier
from curation.deid.texts.codes import FIRST_RULES, NUMBER_RULES, WEB_RULES
from curation.deid.texts.spans import DIGITS, Masked, Rule, rule
from curation.errors import InputError, VaultError
from curation.release.changes import CHANGES
from curation.release.opened import Opened
from curation.workspace import Workspace

_LOOKS_LIKE = {
    "email": "an e-mail address",
    "url": "a web address",
    "social_security": "a social security number",
    "labelled_id": "the number of a record",
    "phone_of_a_country": "a phone number",
    "phone": "a phone number",
    "phone_abroad": "a phone number",
    "labelled_phone": "a phone number",
    "title": "a name after a title",
    "signature": "the name of who signed",
    "birth": "a date of birth",
    "record": "the number of a record",
}
"""Rules of de-identification that a clean text has nothing for, and what they find."""
_TITLE = rule(
    "title",
    "person",
    r"\b(?:(?:Drs?|Doctor|Prof|Professor|Mrs?|Ms|Mx|Miss|Mister)\b\.?|(?:DR|MRS?|MS)\.)\s+(?!MD\b|XX)[A-ZÀ-ÖØ-Þ][\w'’-]+",
    ("dr", "doctor", "prof", "mr", "ms", "mx", "mis"),
)
_SIGNATURE = rule(
    "signature", "person", r"(?i:\b(?:signed|dictated)\s+by)\b:?\s+[A-ZÀ-ÖØ-Þ][\w'’-]+", ("signed", "dictated")
)
_BIRTH = rule(
    "birth",
    "date",
    r"(?i)\b(?:d\.?o\.?b\b\.?|date\s+of\s+birth|birth\s?date|born)[\s:=]*(?:(?:is|on|in)\s+)?\d",
    DIGITS,
)
_RECORD = rule(
    "record",
    "id",
    r"(?i)\b(?:mrn|medical\s+record|accession|patient\s+id)\b(?:\s+(?:no|number)\b)?[\s.:#=]*[a-z]{0,4}-?\d",
    DIGITS,
)
_OWN = (_TITLE, _SIGNATURE, _BIRTH, _RECORD)
_RULES = tuple(rule for rule in (*WEB_RULES, *FIRST_RULES, *NUMBER_RULES, *_OWN) if rule.rule_id in _LOOKS_LIKE)
_STRICT = tuple(rule for rule in _RULES if rule in _OWN or rule.rule_id in ("email", "social_security"))
_WORDS = frozenset(
    ("text", "findings", "impression", "indication", "comparison", "technique", "prior_report", "sentence")
)
"""Columns that hold words of a report; in others only what has an unmistakable form is looked for."""
_PLAIN = (".md", ".py", ".txt", ".svg", ".csv")
"""Endings of files that are searched as they are."""
_PIXELS = b"IDAT"
_HEAD = b"\x89PNG\r\n\x1a\n"
_MOST_TEXT = 1 << 20


def looks_identifying(release: Opened) -> Iterator[str]:
    """Texts of the release and of its answers that hold what looks like an identifier."""
    for place, shelf in _shelves(release):
        for name in shelf.names:
            for column in _text_columns(shelf.table(name).drop("rle", strict=False)):
                found = sorted(_found(column, _RULES if column.name in _WORDS else _STRICT))
                yield from (f"{place}{name}: a text in {column.name} holds what looks like {kind}" for kind in found)


def _shelves(release: Opened) -> Iterator[tuple[str, Opened]]:
    """The release, and the answers of a hidden test where they are at hand, behind what is said of their place."""
    yield "", release
    if release.answers is not None and release.answers.is_dir():
        yield "answers: ", Opened(release.answers)


def _found(column: pl.Series, rules: Sequence[Rule]) -> set[str]:
    """What the rules find in the cells that are sentences or addresses, each cell once."""
    cells = column.unique()
    texts = map(Masked, cells.filter(cells.str.contains(r"[\s@:]")))
    return {_LOOKS_LIKE[rule.rule_id] for text in texts for rule in rules if any(map(bool, rule.matches(text)))}


def known_identifiers(workspace: Workspace) -> Collection[Identifier]:
    """Numbers and UIDs that the vault has noted, and all that was planted; people's names are searched at the border.

    Raises VaultError if there is no vault: a wrong path would look like a vault that knows nothing.
    """
    if not workspace.vault.is_dir():
        raise VaultError("PAXFLOW_VAULT names no folder: without the vault nothing can be looked for")
    try:
        return planted(workspace)
    except InputError:
        return ()


def holds_known(release: Opened, identifiers: Collection[Identifier]) -> Iterator[str]:
    """Texts that hold one of the identifiers."""
    if identifiers:
        yield from (f"{hit.place} holds an identifier ({hit.kind})" for hit in search(_texts(release), identifiers))


# --- what is searched ------------------------------------------------------------------------------------


def _text_columns(rows: pl.DataFrame) -> Iterator[pl.Series]:
    """The columns of text without their nulls; of lists their items."""
    for column in rows:
        items = column.drop_nulls()
        if isinstance(column.dtype, pl.List):
            items = items.list.explode().drop_nulls()
        if items.dtype == pl.String:
            yield items


def _texts(release: Opened) -> Iterator[tuple[str, bytes]]:
    """Every text of the release behind its place: of tables, of documents, and beside the pixels of pictures."""
    for at, shelf in _shelves(release):
        yield from ((f"{at}{place}", text) for place, text in _table_texts(shelf))
    for path in sorted(release.folder.rglob("*")):
        place = path.relative_to(release.folder).as_posix()
        if path.suffix == ".json":
            yield place, "\n".join(_strings(release.document(place))).encode()
        elif path.suffix == ".tar":
            yield place, b"\n".join(_beside_pixels(path))
        elif path.name == CHANGES:
            yield place, gzip.decompress(path.read_bytes())
        elif path.suffix in _PLAIN:
            yield place, path.read_bytes()


def _table_texts(shelf: Opened) -> Iterator[tuple[str, bytes]]:
    for name in shelf.names:
        for column in _text_columns(shelf.table(name)):
            yield f"{name}: a text in {column.name}", "\n".join(column.unique(maintain_order=True)).encode()


def _strings(value: Any) -> Iterator[str]:
    """Keys and texts of a document, without the sizes of files."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item) if key != "contentSize" else ()


def _beside_pixels(path: Path) -> Iterator[bytes]:
    """Names of a shard's members, and of each PNG every chunk that is no pixels (RFC 2083 3.2)."""
    with tarfile.open(path) as archive, path.open("rb") as file:
        for member in archive:
            yield member.name.encode()
            yield from _chunks(file, member.offset_data + len(_HEAD), member.offset_data + member.size)


def _chunks(file: BinaryIO, at: int, end: int) -> Iterator[bytes]:
    while at + 8 <= end:
        file.seek(at)
        length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
        if kind != _PIXELS:
            data = file.read(min(length, end - at))
            yield data
            yield from _unpacked(kind, data)
        at += length + 12


def _unpacked(kind: bytes, data: bytes) -> Iterator[bytes]:
    """The text of a compressed text chunk, as far as it is whole."""
    if kind in (b"zTXt", b"iTXt", b"iCCP"):
        for at in range(len(data)):
            if data[at : at + 1] == b"\x78":
                try:
                    yield zlib.decompressobj().decompress(data[at:], _MOST_TEXT)
                except zlib.error:
                    continue
