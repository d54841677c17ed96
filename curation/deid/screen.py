"""A look at a whole series of slices at once: where any of them shows text.

Text of every slice stands in the minimum or the maximum over them. Text of one slice may drown there among bones and
air; so a third picture is patched together, of each 8 × 8 pixels those of the slice that there differs most crisply
from both its neighbours.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from curation.deid.frames import Area, Frame, Image, decoded_image, frames
from curation.deid.redaction import Box, line_of
from curation.deid.visible import Plane, planes

_SURE = 0.3  # texts of many slices may lie on each other, so a reading need not be good
_AROUND = 8  # pixels: areas so near to each other are one


class Screen:
    """Takes the slices in the order of their series; memory is flat in their number."""

    def __init__(self) -> None:
        self._stacks: dict[tuple[int, ...], _Stack] = {}

    def add(self, image: Image, value: bytes | memoryview) -> None:
        """The next slice; raises Rejected as ``frames.decode`` does."""
        for frame in frames(image, value):
            self.add_frame(image, frame)

    def add_frame(self, image: Image, frame: Frame) -> None:
        """The next frame of a film."""
        for number, plane in enumerate(planes(decoded_image(image), frame)):
            self._stacks.setdefault((number, *plane.shape), _Stack()).add(plane)

    def areas(self) -> tuple[Area, ...]:
        """Where the series shows text, in any of its slices; () for nowhere."""
        boxes = [box for stack in self._stacks.values() for picture in stack.pictures() for box in shown(picture)]
        return joined(boxes)


class _Stack:
    """Slices of one size: least, most, and the crispest difference to both neighbours."""

    def __init__(self) -> None:
        nothing: Plane = np.empty((0, 0), np.float32)
        self._least = self._most = self._last = self._step = self._odd = self._crisp = nothing

    def add(self, plane: Plane) -> None:
        if not self._last.size:
            self._least, self._most = plane.copy(), plane.copy()
        else:
            np.minimum(self._least, plane, out=self._least)
            np.maximum(self._most, plane, out=self._most)
            step = np.abs(plane - self._last)
            if self._step.size:
                self._keep(np.minimum(step, self._step))
            self._step = step
        self._last = plane

    def _keep(self, odd: Plane) -> None:
        from curation.deid.crisp import crispness  # noqa: PLC0415 - loads OpenCV

        crisp = crispness(odd)
        if not self._odd.size:
            self._odd, self._crisp = odd, crisp
            return
        better = crisp > self._crisp
        self._crisp[better] = crisp[better]
        _blocks(self._odd, better.shape)[better] = _blocks(odd, better.shape)[better]

    def pictures(self) -> Iterator[Plane]:
        yield self._most
        if (self._least != self._most).any():
            yield self._least
        if self._odd.any():
            yield self._odd


def _blocks(plane: Plane, shape: tuple[int, ...]) -> Plane:
    """A view of a plane as ``(rows // 8, columns // 8, 8, 8)``."""
    down, across = plane.strides
    return np.lib.stride_tricks.as_strided(plane, (*shape, 8, 8), (8 * down, 8 * across, down, across))


def shown(picture: Plane, thorough: bool = False) -> Iterator[Box]:
    """Boxes of whole lines of what may be text on a picture."""
    from curation.deid.ocr import find_text  # noqa: PLC0415 - loads the networks

    for text in find_text(picture, thorough):
        if text.letters >= 2 and text.sure >= _SURE:
            yield line_of(picture, (text.x, text.y, text.width, text.height))


def joined(boxes: Iterable[Box]) -> tuple[Area, ...]:
    """Boxes that touch or nearly do as one area each, of every frame."""
    areas: list[Box] = []
    for box in sorted(boxes):
        whole, near = box, [other for other in areas if _touch(box, other)]
        while near:
            areas = [other for other in areas if other not in near]
            whole = _around([whole, *near])
            near = [other for other in areas if _touch(whole, other)]
        areas.append(whole)
    return tuple(Area(None, *box) for box in sorted(areas))


def _touch(one: Box, other: Box) -> bool:
    apart = (
        one[0] - (other[0] + other[2]),
        other[0] - (one[0] + one[2]),
        one[1] - (other[1] + other[3]),
        other[1] - (one[1] + one[3]),
    )
    return max(apart) <= _AROUND


def _around(boxes: list[Box]) -> Box:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top
