"""The whole page: head, policy, sections, data and script."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from curation.pictures.cards import Cards, cards_of
from curation.pictures.images import Drawing, draw, images_section
from curation.pictures.markup import Html, data, join, number, tag
from curation.pictures.overview import overview_section
from curation.pictures.reports import reports_section
from curation.pictures.shown import Shown
from curation.pictures.tables import cases_section, readers_section, rejects_section

TITLE = "paxflow picture report"


def page(shown: Shown) -> str:
    """The page of a workspace as text."""
    drawings = tuple(draw(position, picture) for position, picture in enumerate(shown.pictures))
    cards = cards_of(shown.readings, drawings, shown.concepts)
    main = tag(
        "main",
        overview_section(shown),
        images_section(shown, drawings),
        reports_section(shown, cards),
        rejects_section(shown),
        cases_section(shown, drawings),
        readers_section(shown),
        id="main",
    )
    return document(TITLE, (_banner(shown, drawings), main, _footer()), cards)


def document(title: str, content: Sequence[Html], cards: Cards) -> str:
    """A whole file: head, policy, content, and the script with what its clicks show."""
    style, script = _template("page.css"), _template("page.js")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Html(style)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#main", class_="skip"),
        *content,
        tag("script", data(cards.data), type="application/json", id="cards"),
        tag("script", Html(script)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _template(name: str) -> str:
    return files("curation.pictures").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Only this style, this script and images within the page: text that slipped through could still do nothing."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def _banner(shown: Shown, drawings: tuple[Drawing, ...]) -> Html:
    counts = (
        ("overview", "Overview", None),
        ("images", "Images", len(drawings)),
        ("reports", "Reports", len(shown.readings)),
        ("rejects", "Rejects", sum(row.count for row in shown.rejects)),
        ("cases", "Cases", len(shown.cases)),
        ("readers", "Readers", len(shown.consensus)),
    )
    links = (
        tag("a", title, join(" ", tag("span", number(count), class_="badge")) if count else "", href=f"#{anchor}")
        for anchor, title, count in counts
    )
    return tag("header", tag("strong", "paxflow"), tag("nav", *links, aria_label="Sections"), class_="banner")


def _footer() -> Html:
    return tag(
        "footer",
        tag(
            "p",
            "This page lives in work/ and is not part of any release. It shows report texts, some of which are "
            "licensed for reading only (non-commercial, no derivatives): do not publish it or pass it on.",
        ),
        tag("p", "Nothing is loaded from anywhere: the file is complete, and may be moved and opened offline."),
    )
