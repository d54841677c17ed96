"""Text in one picture: where it stands and what it says.

Two networks of PP-OCRv6 (Apache-2.0) that the wheel ``rapidocr`` carries are run by onnxruntime, nothing else of that
wheel is: a detector after "Real-time Scene Text Detection with Differentiable Binarization" (Liao et al., AAAI 2020)
and a recogniser with a CTC head. No network access, no log lines, a fixed number of threads: the same answer each time.

The detector takes a whole thorax for one big letter, and text on it for a part of that letter. So it never sees the
picture, but what is left of it without everything wider than a few strokes (``flattened``).
"""

import importlib.util
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from curation.deid.crisp import MARGIN, SHEET, Box, Plane, crisp_places, sheets
from curation.errors import ToolError

Picture = NDArray[np.uint8]

_REDUCED, _MUCH_REDUCED = 768, 256  # pixels: long side of what it sees of a larger one, and of large letters
_PART, _PART_STEP = 320, 240  # pixels: measured against magnifying, which costs more and finds less
_FINDER, _READER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"
_STROKE = 4.0  # pixels, sigma: what is wider is background
_NEAR, _PEAK = 49, 6  # pixels: what is local; how much stronger an edge is than the mean
_THREADS = 2
_NOTHING = 128  # a flattened picture where nothing is
_GRID = 32  # the detector halves a picture five times
_IS_TEXT, _IS_FOUND, _UNCLIP = 0.3, 0.5, 1.6  # the detector's own settings in rapidocr 3.10
_TALLEST = 96  # pixels as the detector sees it: the height of a line of text; a part of the body is higher
_LINE, _LONGEST = 48, 1600  # pixels: height of what the recogniser reads, and its greatest width
_SURE = 0.9  # read well enough that nothing else need be tried


@dataclass(frozen=True)
class Text:
    """Something that looks like text, in pixels of the picture."""

    x: int
    y: int
    width: int
    height: int
    text: str
    sure: float
    """How sure the reading is, 0 to 1: mean over its letters."""
    found: float
    """How sure it is that there is text, 0 to 1."""

    @property
    def letters(self) -> int:
        """How many letters and digits were read."""
        return sum(letter.isalnum() for letter in self.text)


def find_text(plane: NDArray[Any], thorough: bool = True) -> tuple[Text, ...]:
    """All that looks like text in a plane ``(rows, columns)`` of any numbers.

    A picture above ``SHEET`` is searched in full where its pixels are as crisp as small letters make them, and
    reduced. A ``thorough`` search is also one of the parts of a small picture, for the detector sees a faint text in a
    part that it does not see in the whole, and of the picture much reduced, where large letters become small.
    """
    whole, margin = _framed(np.ascontiguousarray(plane, np.float32))
    is_large = max(plane.shape) > SHEET
    seen = _resized(whole, _REDUCED) if is_large else whole
    looks = [*([_in_full(whole)] if is_large else []), _found(seen, whole)]
    if thorough and not is_large and max(whole.shape) > _PART:
        looks.append(_in_parts(whole))
    if thorough and max(seen.shape) > _MUCH_REDUCED:
        looks.append(_found(_resized(seen, _MUCH_REDUCED), whole))
    texts: list[Text] = []
    for look in looks:
        texts += [
            _read(whole, box) for box in _apart(look, whole.shape) if not any(_is_of(box, text) for text in texts)
        ]
    return tuple(inside for text in texts if (inside := _inside(text, margin, plane.shape)) is not None)


def _framed(plane: Plane) -> tuple[Plane, int]:
    """The plane in a frame of what is behind its borders' letters, and the frame's width.

    A letter at the very border has no background on that side, without which it is none to the detector.
    """
    rows, columns = plane.shape
    margin = max(MARGIN, max(rows, columns) // 48)
    framed = np.empty((rows + 2 * margin, columns + 2 * margin), np.float32)
    framed[margin:-margin, margin:-margin] = plane
    step = margin // MARGIN  # of a wide border not every line counts
    framed[:margin, margin:-margin] = _smooth(np.median(plane[:margin:step], axis=0))
    framed[-margin:, margin:-margin] = _smooth(np.median(plane[-margin::step], axis=0))
    near = margin + min(margin, columns)  # a picture may be narrower than its border
    for outer, inner in ((np.s_[:margin], np.s_[margin:near:step]),
                         (np.s_[-margin:], np.s_[-near:-margin:step])):  # fmt: skip
        framed[:, outer] = _smooth(np.median(framed[:, inner], axis=1))[:, None]
    return framed, margin


def _smooth(line: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(line[None], (_NEAR, 1))[0], np.float32)


def _inside(text: Text, margin: int, shape: tuple[int, ...]) -> Text | None:
    """A text of the framed picture in the picture itself; None if it lies in the frame."""
    left, top = max(0, text.x - margin), max(0, text.y - margin)
    width = min(shape[1], text.x - margin + text.width) - left
    height = min(shape[0], text.y - margin + text.height) - top
    return replace(text, x=left, y=top, width=width, height=height) if min(width, height) > 0 else None


def _resized(plane: Plane, side: int) -> Plane:
    rows, columns = (max(1, round(length * side / max(plane.shape))) for length in plane.shape)
    return np.asarray(cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _found(seen: Plane, whole: Plane) -> Iterator[Box]:
    """Boxes found on a picture that may be reduced, in pixels of the whole one."""
    return (box.at(max(whole.shape) / max(seen.shape)) for box in _boxes(flattened(seen)))


def _in_parts(plane: Plane) -> Iterator[Box]:
    """Boxes found in parts of the picture that overlap, without those that a part's border cuts along the line."""
    flat = flattened(plane)
    tops, lefts = (range(0, max(1, length - _PART + _PART_STEP), _PART_STEP) for length in plane.shape)
    for top, left in product(tops, lefts):
        part = flat[top : top + _PART, left : left + _PART]
        for box in _boxes(part):
            start, end, length = (box.y, box.y + box.height, part.shape[0])
            if box.height > box.width:
                start, end, length = (box.x, box.x + box.width, part.shape[1])
            if start > 0 and end < length:
                yield box.at(1, left, top)


def _apart(boxes: Iterable[Box], shape: tuple[int, ...]) -> Iterator[Box]:
    """The boxes without those that lie in larger ones for the most part, cut to the picture."""
    seen = np.zeros(shape, np.bool_)
    for box in sorted(boxes, key=lambda box: (-box.width * box.height, box.y, box.x)):
        inside = seen[box.y : box.y + box.height, box.x : box.x + box.width]
        if inside.size and inside.mean() < 0.8:
            inside[:] = True
            yield replace(box, height=inside.shape[0], width=inside.shape[1])


def _is_of(box: Box, text: Text) -> bool:
    """Whether a box is a coarser one of a text that is read already, so most of that text lies in it."""
    across = min(box.x + box.width, text.x + text.width) - max(box.x, text.x)
    down = min(box.y + box.height, text.y + text.height) - max(box.y, text.y)
    return (
        text.letters > 1
        and text.sure > 0.5
        and min(across, down) > 0
        and across * down > 0.8 * text.width * text.height
    )


# --- the networks ----------------------------------------------------------------------------------------


@cache
def _network(name: str) -> onnxruntime.InferenceSession:
    spec = importlib.util.find_spec("rapidocr")
    path = Path(spec.origin).parent / "models" / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ToolError(f"expected the network {name} of the package rapidocr 3.10; it is not installed")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@cache
def _letters() -> tuple[str, ...]:
    """What each output of the recogniser stands for; the first is nothing, the last a space."""
    known = _network(_READER).get_modelmeta().custom_metadata_map["character"]
    return ("", *known.splitlines(), " ")


def _run(name: str, picture: Picture) -> NDArray[np.float32]:
    network = _network(name)
    grey = (picture.astype(np.float32) / np.float32(127.5) - np.float32(1))[None, None]
    (answer,) = network.run(None, {network.get_inputs()[0].name: np.repeat(grey, 3, axis=1)})
    result: NDArray[np.float32] = answer[0]
    return result


# --- where -----------------------------------------------------------------------------------------------


def flattened(plane: Plane) -> Picture:
    """A plane ``(rows, columns)`` without what is wider than some strokes, as 8 bits around 128.

    The scale is local, so that faint letters beside strong edges do not vanish, between a fifth and the whole of the
    strongest 0.5 % of all edges; and that is at least a tenth of the very strongest: a picture without anything in it
    is not blown up to noise.
    """
    rest = plane - cv2.GaussianBlur(plane, (0, 0), _STROKE)
    size = np.abs(rest)
    usual, strongest = np.percentile(size[:: 1 + size.shape[0] // SHEET], (99.5, 99.98))
    whole = max(usual, strongest / 10, 1e-6)
    scale = np.clip(_PEAK * cv2.blur(size, (_NEAR, _NEAR)), whole / 5, whole)
    picture: Picture = (np.clip(rest / (2 * scale) + 0.5, 0, 1) * 255).astype(np.uint8)
    return picture


def _boxes(picture: Picture) -> Iterator[Box]:
    rows, columns = picture.shape
    whole = np.pad(picture, ((0, -rows % _GRID), (0, -columns % _GRID)), constant_values=_NOTHING)
    chance = _run(_FINDER, whole)[0, :rows, :columns]
    count, labels, stats, _ = cv2.connectedComponentsWithStats((chance > _IS_TEXT).astype(np.uint8))
    for label in range(1, count):
        x, y, width, height, _ = (int(value) for value in stats[label])
        inside = np.s_[y : y + height, x : x + width]
        found = float(chance[inside][labels[inside] == label].mean())
        grow = math.ceil(width * height * _UNCLIP / (2 * (width + height)))
        if found >= _IS_FOUND and 2 < min(width, height) <= _TALLEST - 2 * grow:
            left, top = max(0, x - grow), max(0, y - grow)
            yield Box(left, top, min(columns, x + width + grow) - left, min(rows, y + height + grow) - top, found)


def _in_full(plane: Plane) -> Iterator[Box]:
    """Boxes of small text: crisp places of the picture in full size, laid out on sheets for the detector."""
    for sheet in sheets(list(crisp_places(plane))):
        picture = np.full((SHEET, SHEET), _NOTHING, np.uint8)
        for place, (x, y) in sheet:
            part = flattened(plane[place.y : place.y + place.height, place.x : place.x + place.width])
            picture[y : y + place.height, x : x + place.width] = part
        bottom = max(y + place.height for place, (_, y) in sheet)
        right = max(x + place.width for place, (x, _) in sheet)
        for box in _boxes(picture[:bottom, :right]):
            yield from (box.at(1, place.x - x, place.y - y) for place, (x, y) in sheet if _in(box, place, x, y))


def _in(box: Box, place: Box, x: int, y: int) -> bool:
    """Whether the middle of a box lies in a place that is laid out at ``x``, ``y``."""
    across, down = box.x + box.width // 2 - x, box.y + box.height // 2 - y
    return 0 <= across < place.width and 0 <= down < place.height


# --- what ------------------------------------------------------------------------------------------------


def _read(plane: Plane, box: Box) -> Text:
    """The box with the best of its readings: upright or turned, as it is or without its background."""
    part = plane[box.y : box.y + box.height, box.x : box.x + box.width]
    best = ("", 0.0)
    for view in _views(part):
        best = max(best, _reading(view), key=lambda reading: reading[1])
        if best[1] >= _SURE:
            break
    return Text(box.x, box.y, box.width, box.height, *best, box.found)


def _views(part: Plane) -> Iterator[Picture]:
    """The ways to read a box, the likeliest first."""
    rows, columns = part.shape
    turns = (0, 2) if 2 * columns > 3 * rows else (1, 3) if 2 * rows > 3 * columns else (0, 1, 2, 3)
    for picture in (_stretched, flattened):
        yield from (np.rot90(picture(part), turn) for turn in turns)


def _stretched(part: Plane) -> Picture:
    low, high = np.percentile(part, (1, 99))
    picture: Picture = (np.clip((part - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    return picture


def _reading(line: Picture) -> tuple[str, float]:
    rows, columns = line.shape
    width = min(_LONGEST, max(_LINE, math.ceil(_LINE * columns / rows / 8) * 8))
    way = cv2.INTER_AREA if rows > _LINE else cv2.INTER_LINEAR
    chance = _run(_READER, np.asarray(cv2.resize(line, (width, _LINE), interpolation=way), np.uint8))
    best, letters = chance.max(1), chance.argmax(1)
    kept = (letters != 0) & (letters != np.concatenate(([0], letters[:-1])))
    return "".join(_letters()[letter] for letter in letters[kept]), float(best[kept].mean()) if kept.any() else 0.0
