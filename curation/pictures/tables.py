"""Rejects, uncertain cases, and readers."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from math import fsum, prod

from curation.pictures.images import Drawing
from curation.pictures.markup import Cell, Html, cell, counted, grid, identifier, join, number, own, tag
from curation.pictures.shown import MAX_CASES, MAX_OBJECTS, RejectCount, Shown
from curation.pictures.words import MEANINGS, plain
from curation.records import Agreement, Case, Consensus, Reason

MAX_READERS = 12
"""Above that a matrix of readers is not readable."""

# --- rejects ---------------------------------------------------------------------------------------------


def rejects_section(shown: Shown) -> Html:
    """What stopped, by stage and reason; of the vault's stages only the counts."""
    note = (
        ""
        if shown.vault_is_here
        else " The vault is not on this machine: what stopped at ingest and deid is not known here."
    )
    if shown.rejects:
        body = grid(("Stage", "Reason", "Items", "What it means"), [_reject(row) for row in shown.rejects], "rejects")
    else:
        body = tag("p", "Nothing was rejected.")
    lead = "No item is lost in silence: each one ends as rows or stops here, with one reason."
    return tag("section", tag("h2", "Rejects"), tag("p", lead, note), body, id="rejects")


def _reject(row: RejectCount) -> tuple[object, ...]:
    meaning = MEANINGS[Reason(row.reason)]
    return tag("b", row.stage), tag("code", row.reason), row.count, cell(meaning, _items(row))


def _items(row: RejectCount) -> Html:
    if not row.items:
        return join()
    items = (tag("li", identifier(one.item), " ", own(one.detail, "bdi", class_="detail")) for one in row.items)
    rest = row.count - len(row.items)
    more = tag("li", f"and {counted(rest, 'more item')}") if rest else ""
    return tag("details", tag("summary", "which ones"), tag("ul", *items, more))


# --- cases -----------------------------------------------------------------------------------------------


def cases_section(shown: Shown, drawings: tuple[Drawing, ...]) -> Html:
    """Questions to readers, most urgent first."""
    if not shown.cases:
        nothing = tag("p", "Nothing is uncertain enough to ask a reader about.")
        return tag("section", tag("h2", "Uncertain cases"), nothing, id="cases")
    links = _links(shown, drawings)
    rows = [_case(row, links) for row in shown.cases[:MAX_CASES]]
    rest = len(shown.cases) - len(rows)
    tasks = Counter(row.task for row in shown.cases)
    return tag(
        "section",
        tag("h2", "Uncertain cases"),
        tag(
            "p",
            "What readers are asked about, most urgent first, and why: ",
            ", ".join(f"{number(count)} × {plain(task)}" for task, count in sorted(tasks.items())),
            f". {counted(rest, 'more case is', 'more cases are')} not shown." if rest else ".",
        ),
        grid(("Priority", "Question", "About", "Why it is asked"), rows, "cases"),
        id="cases",
    )


def _links(shown: Shown, drawings: tuple[Drawing, ...]) -> dict[str, tuple[str, str]]:
    """Where on this page a case's subject is shown, and what it is called."""
    return {
        **{one.picture.view.view_id: (f"#view-{one.number}", one.title) for one in drawings},
        **{one.report.report_id: (f"#report-{place}", "report") for place, one in enumerate(shown.readings)},
        **{one.consensus_id: (f"#object-{place}", "object") for place, one in enumerate(shown.consensus[:MAX_OBJECTS])},
    }


def _case(row: Case, links: dict[str, tuple[str, str]]) -> tuple[object, ...]:
    bar = tag("meter", min=0, max=1, value=f"{row.priority:.3f}", aria_hidden="true")
    reasons = (
        tag("li", own(reason), " ", tag("code", rule))
        for reason, rule in zip_longest(row.reasons, row.rule_ids, fillvalue="")
    )
    href, title = links.get(row.subject_id, ("", ""))
    link = tag("a", title, href=href) if href else ""
    return (
        cell(bar, f" {row.priority:.2f}", class_="priority"),
        plain(row.task),
        cell(link, " ", identifier(row.subject_id), tag("div", "patient ", identifier(row.patient_id), class_="none")),
        tag("ul", *reasons, class_="reasons"),
    )


# --- readers ---------------------------------------------------------------------------------------------


def readers_section(shown: Shown) -> Html:
    """Objects that readers marked, and how far they agree."""
    if not shown.consensus:
        nothing = tag("p", "No object has been marked by enough readers yet.")
        return tag("section", tag("h2", "Readers"), nothing, id="readers")
    pairs: dict[str, list[Agreement]] = defaultdict(list)
    for row in shown.agreement:
        pairs[row.consensus_id].append(row)
    objects = shown.consensus[:MAX_OBJECTS]
    rows = [_object(place, one, pairs[one.consensus_id], shown) for place, one in enumerate(objects)]
    rest = len(shown.consensus) - len(objects)
    return tag(
        "section",
        tag("h2", "Readers"),
        tag(
            "p",
            "What several readers outlined, merged into one mask, and the overlap of each pair (Dice "
            "coefficient: 1 is the same outline, 0 means that only one of the two marked it). "
            f"Below {shown.min_agreement_dice:g}, the dashed line, readers are asked again.",
            f" {counted(rest, 'more object is', 'more objects are')} not shown." if rest else "",
        ),
        grid(("Finding", "Marked by", "Volume", "Overlap of each pair", "Mean", "Object"), rows, "objects"),
        _matrix(shown),
        id="readers",
    )


def _object(place: int, row: Consensus, pairs: list[Agreement], shown: Shown) -> tuple[object, ...]:
    dices = [one.dice for one in pairs]
    return (
        own(plain(row.finding), "b", id=f"object-{place}"),
        f"{len(row.reader_ids)} of {counted(row.n_readers, 'reader')}, {row.method}",
        cell(_volume(row, shown), class_="number"),
        cell(_strip(pairs, shown.min_agreement_dice)) if pairs else cell("–"),
        cell(_mean(dices), class_="number"),
        identifier(row.consensus_id),
    )


def _volume(row: Consensus, shown: Shown) -> str:
    spacing = shown.spacing_of.get(row.series_id, ())
    if len(spacing) != 3 or not all(spacing):
        return counted(row.n_voxels, "voxel")
    return f"{row.n_voxels * prod(spacing) / 1000:.2f} ml"


def _strip(pairs: list[Agreement], limit: float) -> Html:
    """Dots on a line from 0 to 1; 200 units wide with a margin of 20."""
    dots = (
        tag(
            "circle",
            tag("title", f"{one.reader_a} and {one.reader_b}: {one.dice:.2f}"),
            cx=f"{20 + 200 * one.dice:.1f}",
            cy=14,
            r=5,
            class_="low" if one.dice < limit else None,
        )
        for one in sorted(pairs, key=lambda one: (one.dice, one.reader_a, one.reader_b))
    )
    axis = tag("line", x1=20, x2=220, y1=14, y2=14, class_="axis")
    at = f"{20 + 200 * limit:.1f}"
    values = ", ".join(f"{one.dice:.2f}" for one in sorted(pairs, key=lambda one: one.dice))
    return tag(
        "svg",
        axis,
        tag("line", x1=at, x2=at, y1=2, y2=26, class_="limit"),
        *dots,
        tag("text", "0", x=6, y=18, text_anchor="middle"),
        tag("text", "1", x=234, y=18, text_anchor="middle"),
        viewBox="0 0 240 28",
        class_="strip",
        role="img",
        aria_label=f"Dice coefficients {values}",
    )


def _mean(values: Sequence[float]) -> str:
    return f"{fsum(values) / len(values):.2f}" if values else "–"


def _matrix(shown: Shown) -> Html:
    """Mean overlap of each pair of readers over all objects."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in shown.agreement:
        first, second = sorted((row.reader_a, row.reader_b))
        values[first, second].append(row.dice)
    readers = sorted({reader for pair in values for reader in pair})
    if not 2 <= len(readers) <= MAX_READERS:
        return join()
    head = ("Reader", *map(_short, readers))
    rows: list[tuple[object, ...]] = [
        (identifier(one), *(_pair(values, one, other, shown.min_agreement_dice) for other in readers))
        for one in readers
    ]
    return join(tag("h3", "Mean overlap of each pair of readers (× objects)"), grid(head, rows, "matrix"))


def _pair(values: dict[tuple[str, str], list[float]], one: str, other: str, limit: float) -> Cell:
    first, second = sorted((one, other))
    dices = values.get((first, second))
    if not dices:
        return cell("–" if one != other else "", class_="number")
    low = fsum(dices) / len(dices) < limit
    return cell(_mean(dices), tag("span", f" ×{len(dices)}", class_="none"), class_="number low" if low else "number")


def _short(reader: str) -> str:
    return reader if len(reader) <= 12 else f"{reader[:4]}…{reader[-4:]}"
