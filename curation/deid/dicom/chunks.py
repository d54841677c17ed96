"""A dataset cut into chunks of elements: what a series' files share is found as a whole, without parsing it again.

Slices of a series differ in a dozen elements. A chunker remembers how the last file was cut; where the next one has the
same bytes at the same turn, the chunk is taken as it is. What comes out does not depend on what was remembered.
"""

from bisect import bisect_right

from curation.deid.dicom.elements import PIXEL_DATA, Odd, Pairs, element_end, tag_at

MAX_CHUNK = 1 << 14  # bytes; longer runs are not joined, so that one change costs little


class Chunk:
    """Consecutive elements with all their bytes; a private group is always one chunk, with its creators."""

    __slots__ = ("_elements", "_explicit", "_tops", "first", "last", "raw")

    def __init__(self, raw: bytes, first: int, last: int, explicit: bool) -> None:
        self.raw = raw
        self.first = first
        self.last = last
        self._explicit = explicit
        self._elements: Pairs | None = None
        self._tops: dict[int, bytes] | None = None

    @property
    def elements(self) -> Pairs:
        """Tag and bytes of each element."""
        if self._elements is None:
            found, at = [], 0
            while at < len(self.raw):
                end = element_end(self.raw, at, self._explicit)
                found.append((tag_at(self.raw, at), self.raw[at:end]))
                at = end
            self._elements = found
        return self._elements

    @property
    def tops(self) -> dict[int, bytes]:
        """The elements by tag."""
        if self._tops is None:
            self._tops = dict(self.elements)
        return self._tops


class Chunker:
    """Cuts datasets of one kind, explicit or implicit; chunks end at ``bounds``, where others will put in elements."""

    def __init__(self, explicit: bool, bounds: tuple[int, ...] = ()) -> None:
        self._explicit = explicit
        self._bounds = sorted(bounds)
        self._template: list[Chunk] = []

    def cut(self, data: bytes, at: int) -> tuple[list[Chunk], int]:
        """The chunks from ``at`` on, and where PixelData starts or the data ends; raises Odd as ``split``."""
        template, n, turn = self._template, len(self._template), 0
        found: list[Chunk] = []
        same: list[bool] = []
        last, end = -1, len(data)
        while at < end:
            while turn < n and template[turn].first <= last:
                turn += 1
            if turn < n and data.startswith(template[turn].raw, at):
                chunk, known = template[turn], True
            else:
                tag = tag_at(data, at)
                if tag == PIXEL_DATA:
                    break
                if tag <= last:
                    raise Odd
                chunk, known = self._parsed(data, at, tag), False
            found.append(chunk)
            same.append(known)
            at, last = at + len(chunk.raw), chunk.last
        self._template = self._joined(found, same)
        return found, at

    def _parsed(self, data: bytes, at: int, tag: int) -> Chunk:
        """The element at ``at``, or the private group that starts there."""
        end, last = element_end(data, at, self._explicit), tag
        while tag & 0x10000 and end + 4 <= len(data) and (following := tag_at(data, end)) >> 16 == tag >> 16:
            if following <= last:
                raise Odd
            end, last = element_end(data, end, self._explicit), following
        return Chunk(data[at:end], tag, last, self._explicit)

    def _joined(self, found: list[Chunk], same: list[bool]) -> list[Chunk]:
        """What the next file is held against: neighbours that did not change are one."""
        joined: list[Chunk] = []
        before = False
        for chunk, known in zip(found, same, strict=True):
            if known and before and self._may_join(joined[-1], chunk):
                joined[-1] = Chunk(joined[-1].raw + chunk.raw, joined[-1].first, chunk.last, self._explicit)
            else:
                joined.append(chunk)
            before = known
        return joined

    def _may_join(self, one: Chunk, other: Chunk) -> bool:
        bounds = self._bounds
        apart = bisect_right(bounds, one.first) != bisect_right(bounds, other.last)
        return not apart and len(one.raw) + len(other.raw) <= MAX_CHUNK
