"""HTML by construction: plain text is always escaped, only what these functions built is not."""

import html
import json
from typing import Any

_VOID = frozenset({"meta", "link", "img", "input", "br"})
_LONG_NAME = 22  # a pseudonymous UID has up to 64 characters; its ends tell it apart on a page


class Html(str):
    """Markup that is safe to embed as it is."""

    __slots__ = ()


def text(value: object) -> Html:
    """Any value as escaped text; what is markup already stays."""
    return value if isinstance(value, Html) else Html(html.escape(str(value), quote=True))


def join(*parts: object) -> Html:
    """Parts one after the other."""
    return Html("".join(map(text, parts)))


def tag(element: str, /, *children: object, **attributes: str | int | float | bool | None) -> Html:
    """An element. ``class_`` and ``data_k`` become ``class`` and ``data-k``; None and False leave an attribute out.

    >>> tag("p", "a < b", class_="note", hidden=True)
    '<p class="note" hidden>a &lt; b</p>'
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if element in _VOID:
        return Html(f"<{element}{given}>")
    return Html(f"<{element}{given}>{join(*children)}</{element}>")


def _attribute(key: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value), quote=True)}"'


def own(value: object, element: str = "bdi", **attributes: str | int | None) -> Html:
    """Text from the data, isolated so that its writing direction cannot reorder what stands around it."""
    return tag(element, value, **attributes)


def identifier(value: str) -> Html:
    """A pseudonym: shortened in the middle if it is long, in full on hover."""
    if len(value) <= _LONG_NAME:
        return own(value, class_="id")
    return own(f"{value[:10]}…{value[-8:]}", class_="id", title=value)


def data(value: Any) -> Html:
    """JSON for a ``<script type="application/json">``; no value can end the element."""
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Html(plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def grid(head: tuple[str, ...], rows: list[tuple[object, ...]], class_: str = "") -> Html:
    """A table that scrolls sideways on a narrow screen; a cell may be text or markup."""
    titles = tag("tr", *(tag("th", title, scope="col") for title in head))
    body = (tag("tr", *map(_cell, row)) for row in rows)
    whole = tag("table", tag("thead", titles), tag("tbody", *body), class_=class_ or None)
    return tag("div", whole, class_="scroll", tabindex=0, role="group")


class Cell(Html):
    """A whole cell of a table, with its own attributes."""

    __slots__ = ()


def cell(*children: object, **attributes: str | None) -> Cell:
    """A cell for ``grid``."""
    return Cell(tag("td", *children, **attributes))


def _cell(value: object) -> Html:
    if isinstance(value, Cell):
        return value
    if isinstance(value, int):
        return cell(number(value), class_="number")
    return cell(value if isinstance(value, Html) else own(value))


def number(value: int) -> str:
    """A count with thin spaces between thousands.

    >>> number(1234567)
    '1\\u202f234\\u202f567'
    """
    return f"{value:,}".replace(",", "\u202f")


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "view"), counted(2, "view"), counted(0, "study", "studies")
    ('1 view', '2 views', '0 studies')
    """
    return f"{number(count)} {one if count == 1 else many or one + 's'}"
