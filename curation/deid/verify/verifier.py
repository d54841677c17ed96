"""The second look: every output is read again by code that shares nothing with what wrote it but the standard's tables.

A small walker of its own checks structure, tags, value representations, UIDs and marks; each value is searched for each
identifier of the original, in every spelling and encoding it may have. What does not pass is rejected with the id of
the rule; the value stays where it was. What was passed once is remembered by its bytes: the second slice of a series
costs little.
"""

import re
from collections.abc import Collection, Iterable

from curation.deid.keys.identity import Identifier
from curation.deid.verify.memory import MEMORABLE, Stretch, creator_of, stretches
from curation.deid.verify.rules import (
    MARKS,
    Promise,
    check_marks,
    check_meta,
    check_methods,
    is_encapsulated,
    rules_for,
)
from curation.deid.verify.search import Search, Where, stand_in
from curation.deid.verify.values import PSEUDONYM, Place
from curation.deid.verify.walk import (
    LONG_VRS,
    MAX_DEPTH,
    PIXEL_DATA,
    UNDEFINED,
    Element,
    check,
    fail,
    fragments,
    items,
    meta_end,
    read,
    uids_of,
    value_of,
    walk,
)

EDGE = 8192  # bytes at either end of native pixels that are always searched
_WINDOW, _OVERLAP = 1 << 20, 512  # bytes of pixels that are searched at a time, and those that are searched twice
_HELD = 32 << 20  # bytes of elements that are remembered
_REMEMBERED = 20_000  # elements; a series of 1,000 slices has about 8,000 different ones
_MAX_BEFORE = 1 << 20  # bytes of a file's elements that are kept for the next one
_MANY_STEPS = 24  # elements of a file one by one, from which on stretches of it are worth remembering
_CHARSET, _SOP_CLASS, _INSTANCE, _METHODS = 0x00080005, 0x00080016, 0x00080018, 0x00120064
_FIRST_TAG = 0x00080000
_PIXEL_TAG = 0x7FE00010
_PIXEL_VRS = (b"OB", b"OW")
_SURROGATE = re.compile(r"\[[A-Z]+(?:-[0-9a-f]+)?\]")  # such as [CLINICIAN-3f]

__all__ = ["Promise", "Verifier", "uids_of", "verify_dicom", "verify_nifti", "verify_text"]


class Verifier:
    """Verifies the files of one patient under one promise, one after another."""

    def __init__(self, promise: Promise, identifiers: frozenset[Identifier]) -> None:
        self._promise = promise
        self._rules = rules_for(promise.options)
        self._search = Search(identifiers, promise.charsets)
        self._headers: dict[bytes, tuple[int, int, Place | None]] = {}
        self._metas: dict[tuple[bytes, bytes, bytes], bool] = {}
        self._passed: set[bytes] = set()
        self._private: set[tuple[str, bytes]] = set()
        self._not_ascii: set[bytes] = set()
        self._marked: set[bytes] = set()
        self._stretches: dict[bytes, Stretch] = {}
        self._before: dict[int, bytes] = {}
        self._steps = self._held = 0
        self._encapsulated = False

    def dicom(
        self, head: bytes, pixel_length: int | None, tail: bytes = b"", uids: Collection[Identifier] = ()
    ) -> None:
        """Raise Rejected unless a file is whole, allowed in every part, marked, and free of the identifiers.

        ``head``: all bytes up to the value of PixelData, of which ``pixel_length`` bytes follow and go to ``pixels``;
        or the whole file, when that is None. ``tail``: what follows the pixels. ``uids``: originals of this file alone.
        """
        self._begin()
        check(not tail, "tail")
        start = meta_end(head)
        found, end = self._elements(head, start, len(head))
        check(_SOP_CLASS in found and _INSTANCE in found, "mark-missing")
        check(next(iter(found)) >= _FIRST_TAG, "file-meta")
        check(end == len(head) or next(reversed(found)) < _PIXEL_TAG, "tags-not-in-order")
        self._learn(found, end)
        self._check_meta(head, start, found)
        self._check_marks(found)
        if "retain_uids" not in self._promise.options:
            check(not stand_in(uids, head[:end]), "identifier-in-header")
        self._check_pixels(head, end, pixel_length)

    def pixels(self, value: bytes | memoryview, whole: bool = False) -> None:
        """Raise Rejected if a long identifier stands in the pixels of the file that ``dicom`` has seen last.

        Native pixels are searched at both edges, or ``whole``. Compressed ones are searched whole, and must be
        fragments from the offset table to the delimiter.
        """
        parts: Iterable[bytes | memoryview] = (value,)
        if self._encapsulated:
            parts = fragments(bytes(value))
        elif whole:
            parts = (value[max(0, at - _OVERLAP) : at + _WINDOW] for at in range(0, len(value), _WINDOW))
        elif len(value) > 2 * EDGE:
            parts = (value[:EDGE], value[-EDGE:])
        for part in parts:
            check(not self._search.bulk(bytes(part)), "identifier-in-pixels")

    # --- the top level ---

    def _begin(self) -> None:
        """Start a file; what is remembered stays small, whatever comes."""
        self._search.begin()
        if self._held > _HELD or len(self._passed) + len(self._private) + len(self._headers) > _REMEMBERED:
            self._held = 0
            self._passed.clear()
            self._private.clear()
            self._not_ascii.clear()
            self._marked.clear()
            self._headers.clear()
            self._metas.clear()
            self._stretches.clear()

    def _elements(self, head: bytes, at: int, end: int) -> tuple[dict[int, bytes], int]:
        """The elements before PixelData by tag, each with all its bytes; and where they end."""
        found: dict[int, bytes] = {}
        creators: dict[int, str] = {}
        last, self._steps = -1, 0
        while at < end:
            stretch = self._stretches.get(head[at : at + 8])
            if stretch is not None and head.startswith(stretch.data, at):
                first = stretch.first
                found.update(stretch.elements)
                creators.update(stretch.creators)
                at, newest = at + len(stretch.data), stretch.last
            elif head.startswith(PIXEL_DATA, at):
                break
            else:
                first, chunk = self._step(head, at, end, creators)
                found[first] = chunk
                at, newest = at + len(chunk), first
                self._steps += 1
            if first <= last:
                fail("tags-not-in-order")
            last = newest
        return found, at

    def _learn(self, found: dict[int, bytes], size: int) -> None:
        """Remember what this file and the one before have in common, unless that is known."""
        if self._steps > _MANY_STEPS:
            self._stretches |= {stretch.data[:8]: stretch for stretch in stretches(found, self._before)}
        self._before = found if size <= _MAX_BEFORE else {}

    def _step(self, head: bytes, at: int, end: int, creators: dict[int, str]) -> tuple[int, bytes]:
        """Tag and bytes of the element at ``at``, checked unless it was passed before."""
        header = head[at : at + 8]
        known = self._headers.get(header)
        if known is None:
            known = self._headers[header] = self._header(read(head, at, end))
        size, tag, place = known
        chunk = head[at : at + (size or 12 + int.from_bytes(head[at + 8 : at + 12], "little"))]
        if chunk in self._passed:
            return tag, chunk
        if place is None or len(chunk) != size:
            self._new(chunk, read(head, at, end), creators)
        else:
            self._remember(chunk, self._check_value(chunk[8:], place))
        return tag, chunk

    def _header(self, element: Element) -> tuple[int, int, Place | None]:
        """What the first bytes of an element say: its length (0: they do not), tag, and place (None: nor that)."""
        if element.vr in LONG_VRS:
            return 0, element.tag, None
        place = None if element.tag & 0x10000 else self._rules.place(element.tag, element.vr, "", 0)
        return element.end - element.at, element.tag, place

    def _new(self, chunk: bytes, element: Element, creators: dict[int, str]) -> None:
        """Check an element whose value is long or nested, or that is private and depends on its creator."""
        own = Element(element.tag, element.vr, 0, element.start - element.at, element.end - element.at)
        creator = creator_of(chunk, own, creators)
        if (creator, chunk) in self._private:
            return
        wide = self._check(chunk, own, creator, 0)
        if not element.tag & 0x10000:
            self._remember(chunk, wide)
        elif len(chunk) <= MEMORABLE:
            self._private.add((creator, chunk))
            self._held += len(chunk)

    def _remember(self, chunk: bytes, wide: bool) -> None:
        """Note a public element that passed; ``wide``: there is text in it that is not ASCII."""
        if wide:
            self._not_ascii.add(chunk)
        if len(chunk) <= MEMORABLE:
            self._passed.add(chunk)
            self._held += len(chunk)

    def _check_meta(self, head: bytes, start: int, found: dict[int, bytes]) -> None:
        """The file meta; one that differs from a passed one by the instance alone passes too."""
        instance = value_of(found[_INSTANCE])
        before, same, after = head[132:start].partition(instance or b"\0")
        key = (before, after, found[_SOP_CLASS])
        if not same or key not in self._metas:
            meta, end = self._elements(head, 132, start)
            check(end == start, "file-meta")
            check_meta(meta, found)
            self._metas[key] = is_encapsulated(meta)
        self._encapsulated = self._metas[key]

    def _check_marks(self, found: dict[int, bytes]) -> None:
        check(_CHARSET in found or self._not_ascii.isdisjoint(found.values()), "charset")
        key = b"".join([found.get(tag, b"") for tag in MARKS])
        if key not in self._marked:
            check_marks(found, self._promise)
            check_methods(found[_METHODS], self._promise)
            self._marked.add(key)

    def _check_pixels(self, head: bytes, at: int, length: int | None) -> None:
        """PixelData's header, and its value where that stands in ``head``."""
        after = len(head) - at - 12
        if at == len(head):
            check(length is None, "pixel-length")
            return
        vr, reserved = head[at + 4 : at + 6], head[at + 6 : at + 8]
        check(after >= 0 and vr in _PIXEL_VRS and not any(reserved), "structure")
        check(after == 0 or length is None, "pixel-length")
        said = int.from_bytes(head[at + 8 : at + 12], "little")
        check((said == UNDEFINED) == self._encapsulated, "undefined-length")
        if not self._encapsulated:
            check(said == (after if length is None else length), "pixel-length")
            check(said % 2 == 0, "odd-length")
        if length is None:
            self.pixels(memoryview(head)[at + 12 :], whole=True)

    # --- any level ---

    def _dataset(self, data: bytes, at: int, end: int, depth: int) -> bool:
        """Check the elements of an item; whether there is text in it that is not ASCII."""
        creators: dict[int, str] = {}
        wide = False
        for element in walk(data, at, end):
            wide |= self._check(data, element, creator_of(data, element, creators), depth)
        return wide

    def _check(self, data: bytes, element: Element, creator: str, depth: int) -> bool:
        """Check one element and all below it; whether there is text in it that is not ASCII."""
        place = self._rules.place(element.tag, element.vr, creator, depth)
        if element.vr == b"SQ":
            check(depth < MAX_DEPTH, "too-deep")
            check(place.items or element.start == element.end, "not-a-dummy")
            return sum(self._dataset(data, start, end, depth + 1) for start, end in items(data, element)) > 0
        return self._check_value(data[element.start : element.end], place)

    def _check_value(self, value: bytes, place: Place) -> bool:
        place.check(value)
        where = place.where
        if len(value) >= where.least:
            if PSEUDONYM.fullmatch(value.rstrip(b" ")):  # its hex digits may spell a short name
                where = where._replace(least=len(value.rstrip(b" ")))
            search = self._search.value if place.is_words else self._search.binary
            check(not search(value, where), "identifier-in-header")
        return place.is_text and not value.isascii()


def verify_dicom(data: bytes, promise: Promise, identifiers: Collection[Identifier]) -> None:
    """Raise Rejected unless a whole file in memory passes ``Verifier``, its pixels searched from end to end."""
    Verifier(promise, frozenset(identifiers)).dicom(data, None)


def verify_text(text: str, identifiers: Collection[Identifier]) -> None:
    """Raise Rejected if an identifier of the original stands in a clean text, whatever its spelling.

    Surrogates such as ``[CLINICIAN-3f]`` are not names.
    """
    search = Search(identifiers, places_by_word=False)
    check(not search.text(_SURROGATE.sub(" ", text), Where()), "identifier-in-text")


def verify_nifti(header: bytes) -> None:
    """Raise Rejected unless the 352 bytes before a NIfTI-1's voxels hold numbers only."""
    check(len(header) == 352 and header[344:352] == b"n+1\0\0\0\0\0", "nifti-header")
    check(not any(header[4:40]) and not any(header[148:252]) and not any(header[328:344]), "nifti-text")
