"""Parts that labeling configurations are made of: tags, keys, colours, and the style sheet that all of them share.

Controls are made from a ``Question``, so that what is asked and what an answer may hold cannot part. A label or choice
is shown by its plain name, and ``alias`` makes results carry the label itself.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import ascii_lowercase
from xml.sax.saxutils import quoteattr

from labeling.asking.asked import Kind, Question
from labeling.asking.names import plain

TAKEN = frozenset(
    [*"behkmopruvw[]", "shift+1", "shift+2", *(f"alt+{key}" for key in "adhlmr"), "ctrl+alt+space"]
    + [f"alt+shift+{digit}" for digit in range(1, 10)]
)
"""Keys that Label Studio 1.23 has for itself where images or text are marked: its tools, its regions, its zoom."""
HUES = (
    "#66ccee",
    "#ee6677",
    "#ccbb44",
    "#aa3377",
    "#e69f00",
    "#228833",
    "#4477aa",
    "#44aa99",
    "#cc6633",
    "#999933",
)
"""Seven that colour-blind readers tell apart (Tol's bright scheme, Okabe and Ito's orange), then three more."""

OTHERS_HUE = "#8a94a6"
"""Of labels without a key of their own, where there are very many."""

_LABEL_KEYS = "1234567890qtyigjlzxc"
"""``a``, ``s``, ``d``, ``f`` and ``n`` are left to choices, the others to Label Studio's tools."""
_STYLE = """
.px-line { margin-bottom: 4px; opacity: 0.8; }
.px-row { display: flex; gap: 16px; align-items: flex-start; }
.px-main { flex: 1 1 auto; min-width: 0; }
.px-side { flex: 0 0 22%; min-width: 0; max-height: calc(100vh - 145px); overflow: hidden auto; }
.px-side .lsf-toolbar { display: none; }
.px-list { flex: 0 0 204px; min-width: 0; }
.px-study { flex: 0 0 452px; min-width: 0; }
.px-marks { max-height: 66px; overflow: auto; margin: 6px 0; }
.px-marks .lsf-labels, .px-list .lsf-labels { margin: 0; }
.px-list .lsf-labels { display: flex; flex-direction: column; align-items: stretch; }
.px-list .lsf-label { display: flex; height: 23px; margin: 0 0 2px; }
.px-list .lsf-label__hotkey { margin-left: auto; }
.px-text * { line-height: 26px; }
.px-report { max-height: 18vh; overflow: auto; margin-bottom: 6px; }
.px-report * { font-size: 14px; line-height: 19px; padding: 0; }
.px-row .lsf-choices { margin: 0 0 8px; }
.px-row .lsf-choice, .px-row .lsf-choice__item { margin: 0; padding: 1px 0; line-height: 22px; }
.px-row .lsf-choice__checkbox { margin: 0; height: 22px; line-height: 22px; font-size: 14px; font-weight: 400; }
.px-row .lsf-choice .lsf-hint { top: 0; margin-left: 8px; font-size: 12px; vertical-align: baseline; opacity: 0.65; }
.px-state { display: flex; align-items: center; height: 34px; border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
.px-head { height: 62px; align-items: flex-end; padding-bottom: 4px; }
.px-state .lsf-choices { display: grid; grid-template-columns: repeat(4, 62px); margin: 0; }
.px-state .lsf-choice__checkbox { justify-content: center; width: 62px; }
.px-state .ant-radio + span { display: none; }
.px-key { flex: 0 0 20px; opacity: 0.65; }
.px-name { flex: 1 1 auto; }
.px-column { flex: 0 0 62px; text-align: center; opacity: 0.8; }
.px-assert { display: flex; gap: 16px; align-items: center; height: 34px; }
.px-assert .lsf-choices:not(.lsf-choices_hidden) { display: flex; gap: 16px; margin: 0; }
canvas[style*="opacity: 0.6"] { opacity: 0.4 !important; }
"""
"""Label Studio draws brushed masks at an opacity of 0.6, whatever the configuration says: too much to see through."""


def tag(kind: str, /, *inside: str, **attributes: str) -> str:
    """One tag; ``inside`` is XML."""
    given = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{kind}{given}>{''.join(inside)}</{kind}>" if inside else f"<{kind}{given}/>"


def block(css_class: str, *inside: str) -> str:
    """A block of the page, by its names in the style sheet."""
    return tag("View", *inside, className=" ".join(f"px-{name}" for name in css_class.split()))


def words(text: str, weight: int = 400, size_px: int = 14) -> str:
    """Text, or a variable of the case."""
    style = f"margin: 0; font-size: {size_px}px; line-height: 20px; font-weight: {weight}; letter-spacing: 0"
    return tag("Header", value=text, size="5", style=style)


def title(text: str) -> str:
    """A small heading."""
    return words(text, 600)


def page(variables: Sequence[str], *inside: str) -> str:
    """A whole configuration; the variables stand on top, a calm line each."""
    return tag("View", f"<Style>{_STYLE}</Style>", *(block("line", words(f"${name}")) for name in variables), *inside)


def image(taken_px: int) -> str:
    """The picture that is marked: zoom, brightness and contrast; ``taken_px`` of the window's height are not for it."""
    controls = dict.fromkeys(("zoom", "zoomControl", "brightnessControl", "contrastControl"), "true")
    return tag("Image", name="image", value="$image", maxHeight=f"calc(100vh - {taken_px}px)", **controls)


def side_pictures(taken_px: int) -> str:
    """Bone and lung, small and without tools, whose keys the image keeps; they zoom by wheel too."""
    controls = dict.fromkeys(("zoomControl", "selectionControl"), "false")
    height = f"calc(50vh - {taken_px}px)"
    shown = (("bone", "Bone only"), ("lung", "Lung only"))
    pictures = (
        title(name) + tag("Image", name=key, value=f"${key}", maxHeight=height, **controls) for key, name in shown
    )
    return "".join(pictures)


def report() -> str:
    """The report beside an image, to be read only."""
    return title("Report") + block("report", tag("Text", name="report", value="$report", selectionEnabled="false"))


_MARKS = {
    Kind.SPAN: ("Labels", {}),
    Kind.BOX: ("RectangleLabels", {"strokeWidth": "2", "opacity": "0.1"}),
    Kind.POINT: ("KeyPointLabels", {"strokeWidth": "3", "opacity": "0.9"}),
    Kind.MASK: ("BrushLabels", {}),
}


def marks(question: Question, rows: Sequence[str]) -> str:
    """The control of spans, boxes, points or masks."""
    kind, look = _MARKS[question.kind]
    return tag(kind, *rows, name=question.name, toName=question.target, **look)


def label_keys() -> Iterator[str]:
    """Keys for labels that change from batch to batch, the easy ones first; none that a choice or Label Studio has."""
    yield from _LABEL_KEYS
    for held in ("shift+", "alt+shift+", "ctrl+alt+", "ctrl+alt+shift+"):
        yield from (key for key in (held + letter for letter in ascii_lowercase) if key not in TAKEN)


def labels_of(values: Sequence[str], keys: Iterator[str], named: Callable[[str], str] = plain) -> list[str]:
    """A label for each value, in a colour of its own as far as there are; those beyond the keys get Label Studio's."""
    hues = itertools.cycle(HUES)
    return [label(value, next(hues), next(keys, ""), named) for value in values]


def label(value: str, hue: str, key: str = "", named: Callable[[str], str] = plain) -> str:
    """One label."""
    hotkey = {"hotkey": key} if key else {}
    return tag("Label", value=named(value), alias=value, background=hue, **hotkey)


def choices(question: Question, keys: Mapping[str, str], **look: str) -> str:
    """The control of a choice; ``keys`` has the key of each of its labels."""
    rows = [tag("Choice", value=plain(value), alias=value, hotkey=keys[value]) for value in question.labels]
    return chooser(question, rows, **look)


def chooser(question: Question, rows: Sequence[str], **look: str) -> str:
    """Choices; if they are required and left empty, Label Studio says which."""
    choice = "multiple" if question.kind is Kind.CHOICES else "single-radio"
    message = f"{plain(question.name)}: please choose, then submit again"
    needed = {"required": "true", "requiredMessage": message} if question.required else {}
    return tag("Choices", *rows, name=question.name, toName=question.target, choice=choice, **needed, **look)
