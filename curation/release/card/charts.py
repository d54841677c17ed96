"""The charts of the card, drawn from its statistics alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from curation.records import SPLITS
from curation.release.card.contents import VERDICTS
from curation.release.card.labels import STATES
from curation.release.card.small import Cell
from curation.release.card.svg import BLUE, EMPTY, GREEN, GREY, INK, LINE, ORANGE, SOFT, WIDTH, Board, cut, width_of

Told = Mapping[str, Any]
_LEFT, _RIGHT, _ROW, _TOP = 230, 90, 24, 84
_WIDE = WIDTH - _LEFT - _RIGHT
_PERCENT = [(part / 4, f"{25 * part} %") for part in range(5)]
_MOST_ROWS, _MOST_QUESTIONS = 24, 16
_ASKED = {
    "label_review": "report",
    "mask_review": "mask",
    "finding_boxes": "boxes",
    "quality_check": "image",
    "measurement_review": "measure",
}
"""What a reader is shown, by task."""
STATE_COLOURS = (ORANGE, "#f0c75e", BLUE, "#bcc5cf")
SPLIT_COLOURS = (BLUE, ORANGE, GREEN)
_HIDDEN_NOTE = "Counts below ten patients, and what would give them away, are hidden."


def charts(told: Told) -> dict[str, bytes]:
    """Each chart that the statistics have numbers for, by its path."""
    drawn = ((path, draw(told)) for path, draw in _CHARTS.items())
    return {path: made for path, made in drawn if made}


def first_set(told: Told) -> tuple[str, list[dict[str, Any]]]:
    """The label set that the card shows first, with its labels; none if there are no labels."""
    for name in sorted(told.get("labels", {})):
        return name, told["labels"][name]["rows"]
    return "", []


def most_present(rows: Sequence[Mapping[str, Any]], most: int = _MOST_ROWS) -> list[Mapping[str, Any]]:
    """Labels whose patients are counted, those of most patients first."""
    counted = [row for row in rows if isinstance(row["states"][0], int)]
    return sorted(counted, key=lambda row: (-row["states"][0], row["label"]))[:most]


def _prevalence(told: Told) -> bytes:
    name, rows = first_set(told)
    whole = told["labels"][name]["patients"] if rows else 0
    shown = most_present(rows)
    if not isinstance(whole, int) or not whole or not shown:
        return b""
    board = Board(f"What the labels say of {whole:,} patients ({name})")
    board.keys(56, [*zip(STATES, STATE_COLOURS, strict=True), ("hidden", EMPTY)])
    bottom = _TOP + _ROW * len(shown)
    for place, row in enumerate(shown):
        y = _TOP + _ROW * place
        _name(board, y, row["label"])
        _stack(board, y, row["states"], whole, STATE_COLOURS)
        board.text(WIDTH - 16, y + 14, f"{row['states'][0]:,}", anchor="end")
    board.text(WIDTH - 16, _TOP - 8, "present", anchor="end", fill=SOFT, font_size=12)
    _axis(board, bottom)
    left = len(rows) - len(shown)
    board.note(bottom + 44, _HIDDEN_NOTE + (f" {left:,} more labels are not drawn." if left else ""))
    return board.drawn(bottom + 58)


def _stack(board: Board, y: float, cells: Sequence[Cell], whole: int, colours: Sequence[str]) -> None:
    """Parts of a whole, one after the other; what is hidden is the pale rest, before the last."""
    numbers = [cell if isinstance(cell, int) else 0 for cell in cells]
    board.bar(_LEFT, y, _WIDE, _ROW - 6, EMPTY)
    x = float(_LEFT)
    for number, colour in zip(numbers[:-1], colours, strict=False):
        board.bar(x, y, _WIDE * number / whole, _ROW - 6, colour)
        x += _WIDE * number / whole
    last = _WIDE * numbers[-1] / whole
    board.bar(_LEFT + _WIDE - last, y, last, _ROW - 6, colours[len(cells) - 1])


def _name(board: Board, y: float, words: str) -> None:
    board.text(_LEFT - 12, y + 14, cut(words, _LEFT - 28), anchor="end")


def _axis(board: Board, bottom: float) -> None:
    board.scale(_LEFT, _WIDE, bottom, bottom + 4, _PERCENT)


def _cooccurrence(told: Told) -> bytes:
    found = told.get("together", {})
    names = found.get("labels", [])
    off = [c for n, row in enumerate(found.get("patients", [])) for c in (*row[:n], *row[n + 1 :])]
    if not any(isinstance(cell, int) for cell in off):
        return b""
    cell = min(40.0, (WIDTH - _LEFT - 24) / len(names))
    board = Board("Patients with the label of the row who also have that of the column, in %")
    top = 58 + 0.72 * max(width_of(cut(name, 150), 12) for name in names)
    for place, name in enumerate(names):
        board.text(_LEFT - 12, top + cell * (place + 0.5) + 5, cut(name, _LEFT - 28), anchor="end")
        board.tilted(_LEFT + cell * (place + 0.5), top - 8, cut(name, 150))
        for other in range(len(names)):
            x, y = _LEFT + cell * other, top + cell * place
            _pair(board, (x, y, cell), found["patients"], (place, other))
    bottom = top + cell * len(names)
    board.note(bottom + 26, "Empty: a count of fewer than ten patients could be computed from it.")
    return board.drawn(bottom + 42)


def _pair(
    board: Board, where: tuple[float, float, float], counts: Sequence[Sequence[Cell]], pair: tuple[int, int]
) -> None:
    (x, y, size), (row, column) = where, pair
    both, alone = counts[row][column], counts[row][row]
    if row == column:
        board.bar(x, y, size - 1, size - 1, LINE)
    elif isinstance(both, int) and isinstance(alone, int):
        share = both / alone
        board.bar(x, y, size - 1, size - 1, _shade(share))
        ink = "#ffffff" if share > 0.5 else INK
        board.text(x + size / 2, y + size / 2 + 4, f"{100 * share:.0f}", anchor="middle", fill=ink, font_size=12)
    else:
        board.bar(x, y, size - 1, size - 1, "#fafbfc")


def _shade(share: float) -> str:
    """From nearly white to the blue of ``BLUE``."""
    light, deep = (240, 246, 251), (0, 114, 178)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(light, deep, strict=True))


def _missing(told: Told) -> bytes:
    rows = sorted(told["missing"], key=lambda row: (-row["missing"] / row["rows"], row["table"], row["column"]))
    shown = [row for row in rows if row["missing"] < row["rows"]][:_MOST_ROWS]
    if not shown:
        return b""
    board = Board("Columns with empty fields: the share of rows")
    for place, row in enumerate(shown):
        y, share = _TOP - 28 + _ROW * place, row["missing"] / row["rows"]
        _name(board, y, f"{row['table']}.{row['column']}")
        board.bar(_LEFT, y, _WIDE, _ROW - 6, EMPTY)
        board.bar(_LEFT, y, _WIDE * share, _ROW - 6, GREY)
        board.text(WIDTH - 16, y + 14, _percent(share), anchor="end")
    bottom = _TOP - 28 + _ROW * len(shown)
    _axis(board, bottom)
    board.note(bottom + 44, "Empty can be right, e.g. the laterality of a frontal image.")
    return board.drawn(bottom + 58)


def _percent(share: float) -> str:
    if 0 < share < 0.001 or 0.999 < share < 1:
        return "< 0.1 %" if share < 0.5 else "> 99.9 %"
    return f"{100 * share:.1f} %"


def _demographics(told: Told) -> bytes:
    tables = [(name, told[name]) for name in ("sex", "age") if name in told]
    counted = [row for _, table in tables for row in table["rows"] if any(isinstance(c, int) and c for c in row[1:])]
    if not counted:
        return b""
    columns = [name for name in tables[0][1]["columns"] if name in SPLITS] if _alike(tables) else []
    board = Board("Patients by sex and by age at the first study" + (", in each split" if columns else ""))
    if columns:
        board.keys(56, list(zip(SPLITS, SPLIT_COLOURS, strict=True)))
    y = float(_TOP if columns else _TOP - 28)
    for _, table in tables:
        y = _people(board, y, table, {name: told["splits"][name] for name in columns or ["all"]}) + 14
    board.scale(_LEFT, _WIDE, y - 14, y - 10, _PERCENT)
    board.note(y + 32, ("Shares of the split. " if columns else "Shares of all. ") + _HIDDEN_NOTE)
    return board.drawn(y + 46)


def _alike(tables: Sequence[tuple[str, Told]]) -> bool:
    return all(table["columns"][0] == SPLITS[0] for _, table in tables)


def _people(board: Board, y: float, table: Told, wholes: Mapping[str, Mapping[str, Cell]]) -> float:
    """The rows of a table, a bar for each split of ``wholes``, which says how many patients it has."""
    height = 18.0 if len(wholes) == 1 else 11.0
    for row in table["rows"]:
        tall = height * len(wholes)
        board.text(_LEFT - 12, y + tall / 2 + 5, row[0], anchor="end")
        for number, (name, whole) in enumerate(wholes.items()):
            colour = SPLIT_COLOURS[number] if len(wholes) > 1 else BLUE
            cell = row[1 + table["columns"].index(name)]
            _person_bar(board, (y + height * number, height - 1), cell, whole["patients"], colour)
        y += tall + 8
    return y


def _person_bar(board: Board, where: tuple[float, float], cell: Cell, whole: Cell, colour: str) -> None:
    y, height = where
    if isinstance(cell, int) and isinstance(whole, int):
        board.bar(_LEFT, y, _WIDE * cell / max(whole, 1), height, colour)
    label = f"{cell:,}" if isinstance(cell, int) else cell
    board.text(WIDTH - 16, y + height / 2 + 4, label, anchor="end", fill=SOFT, font_size=11)


def _agreement(told: Told) -> bytes:
    rows = sorted(told.get("decisions", []), key=lambda row: (-sum(row[2:6]), row[0], row[1]))[:_MOST_QUESTIONS]
    if not rows:
        return b""
    board = Board("Questions that readers answered, by how they came to an answer")
    colours = (GREEN, BLUE, ORANGE, GREY)
    board.keys(56, [(name, colour) for name, colour in zip(VERDICTS, colours, strict=True)])
    for place, row in enumerate(rows):
        y, verdicts = _TOP + _ROW * place, row[2:6]
        _name(board, y, f"{row[1]} ({_ASKED.get(row[0], row[0])})")
        _stack(board, y, verdicts, sum(verdicts), colours)
        board.text(WIDTH - 16, y + 14, f"{sum(verdicts):,}", anchor="end")
    bottom = _TOP + _ROW * len(rows)
    _axis(board, bottom)
    board.note(
        bottom + 44, "Split: readers differ, and nobody has decided. Single: one reader. On the right: questions."
    )
    return board.drawn(bottom + 58)


def _text_lengths(told: Told) -> bytes:
    rows = [row for row in told.get("texts", []) if row["words"]]
    if not rows:
        return b""
    most = max(row["words"][-1] for row in rows) or 1
    board = Board("Words in each section of a report")
    for place, row in enumerate(rows):
        y = _TOP - 28 + _ROW * place
        low, first, middle, third, high = (_LEFT + _WIDE * value / most for value in row["words"])
        _name(board, y, row["section"])
        board.line(low, y + 9, high, y + 9, stroke=GREY, width=2)
        board.bar(first, y, max(third - first, 2), _ROW - 6, "#9cc9e4")
        board.line(middle, y, middle, y + _ROW - 6, stroke=INK, width=2)
        board.text(WIDTH - 16, y + 14, f"{row['words'][2]:,.0f}", anchor="end")
    bottom = _TOP - 28 + _ROW * len(rows)
    board.scale(_LEFT, _WIDE, bottom, bottom + 4, [(part / 4, f"{most * part / 4:,.0f}") for part in range(5)])
    board.note(bottom + 44, "Line: 5 % to 95 % of the sections. Box: the middle half. Mark and number: the median.")
    return board.drawn(bottom + 58)


def _changes(told: Told) -> bytes:
    rows = changed(told)
    if not rows:
        return b""
    board = Board("Rows in this version and in the one before")
    board.keys(56, [("before", GREY), ("now", BLUE)])
    for place, (name, old, new) in enumerate(rows):
        y, most = _TOP + 34 * place, max(old, new, 1)
        board.text(_LEFT - 12, y + 17, cut(name, _LEFT - 28), anchor="end")
        for number, count, colour in ((0, old, GREY), (1, new, BLUE)):
            board.bar(_LEFT, y + 13 * number, (_WIDE - 40) * count / most, 12, colour)
            board.text(WIDTH - 16, y + 11 + 13 * number, f"{count:,}", anchor="end", fill=SOFT, font_size=12)
    bottom = _TOP + 34 * len(rows)
    board.note(bottom + 14, "Each pair of bars has its own scale.")
    return board.drawn(bottom + 28)


def changed(told: Told) -> list[tuple[str, int, int]]:
    """Tables with another number of rows than in the version before: name, then, now; tables of few rows left out."""
    before = (told.get("before") or {}).get("rows", {})
    both = ((name, before.get(name, 0), told["rows"].get(name, 0)) for name in sorted({*before, *told["rows"]}))
    counted = [(name, old, new) for name, old, new in both if isinstance(old, int) and isinstance(new, int)]
    return [row for row in counted if row[1] != row[2]] if before else []


_CHARTS: dict[str, Callable[[Told], bytes]] = {
    "card/prevalence.svg": _prevalence,
    "card/cooccurrence.svg": _cooccurrence,
    "card/missing.svg": _missing,
    "card/demographics.svg": _demographics,
    "card/agreement.svg": _agreement,
    "card/text_lengths.svg": _text_lengths,
    "card/changes.svg": _changes,
}
