"""One DICOM file from the vault to a clean, verified one: the same way for the pipeline and for a folder by itself.

screen   a look at the pixels of whole series, on their projections
clean    header and pixels of one file, and the second look at the result
parts    the bytes of the clean file, without ever holding its native pixels whole
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from curation.deid.dicom.clean_pixels import Pixels, image_of
from curation.deid.dicom.objects import Kind, kind_of
from curation.deid.dicom.opened import File, Opened, open_dicom
from curation.deid.dicom.originals import check_object
from curation.deid.dicom.profile import profile
from curation.deid.dicom.rewrite import Clean, Rewriter
from curation.deid.keys.identity import Identity
from curation.deid.pixels import Area, CleanPixels, Image, Screen, clean_pixels
from curation.deid.review import Review
from curation.deid.verify.verifier import EDGE, Promise, Verifier
from curation.errors import Rejected
from curation.records import Reason

CHUNK = 1 << 18  # bytes: what a processor's cache holds
_SOP_CLASS, _INSTANCE, _SERIES = 0x00080016, 0x00080018, 0x0020000E
_WHOLE = 1 << 64  # of the hash that decides which images are read again


@dataclass
class Cleaner:
    """Cleans files under one key and one set of options."""

    identity: Identity
    options: frozenset[str]
    recheck_share: float
    """Of the clean images, the share whose pixels are read again."""
    review: Review | None = None
    """Where a person decides on what stays doubtful; without it the doubtful is refused."""
    _areas: dict[str, tuple[Area, ...]] = field(default_factory=dict)
    _unseen: set[str] = field(default_factory=set)
    """Instances that could not be laid over the others of their series: each is looked at by itself."""
    _buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(CHUNK)))

    def __post_init__(self) -> None:
        self._rewriter = Rewriter(profile(self.options), self.identity)

    def screen(self, paths: Iterable[Path]) -> None:
        """Look at the series that these files belong to; a file that cannot be read is passed over, and refused later.

        Forgets the series of earlier calls: memory holds two projections a series.
        """
        self._areas, self._unseen = {}, set()
        if "clean_pixel_data" not in self.options:
            return
        screens: dict[str, Screen] = defaultdict(Screen)
        for path in paths:
            instance = ""
            try:
                with File(path) as file:
                    opened = open_dicom(file)
                    if kind_of(opened.text(_SOP_CLASS)) is Kind.SLICE and opened.pixels_at is not None:
                        instance = opened.text(_INSTANCE)
                        screens[opened.text(_SERIES)].add(image_of(opened), opened.pixels())
            except (Rejected, OSError):
                self._unseen.add(instance)
        self._areas = {series: screen.areas() for series, screen in screens.items()}

    def clean(self, file: File, item: str = "") -> Clean:
        """The clean file; raises Rejected if it is no object that is taken, stays doubtful, or does not verify.

        ``item`` names it in the review queue.
        """
        opened = self._rewriter.open(file)
        check_object(opened)
        clean = self._rewriter.clean_opened(opened, self._check_of(opened))
        self._queue_doubts(clean, item)
        self._verify(file, clean, opened)
        return clean

    def parts(self, file: File, clean: Clean) -> Iterator[bytes | memoryview]:
        """``parts_of``, in this cleaner's buffer."""
        return parts_of(file, clean, self._buffer)

    # --- pixels ---

    def _check_of(self, opened: Opened) -> Callable[[Image, Kind, Callable[[], bytes]], CleanPixels | None] | None:
        if "clean_pixel_data" not in self.options:
            return None
        seen = opened.text(_INSTANCE) not in self._unseen
        areas = self._areas.get(opened.text(_SERIES)) if seen else None

        def check(image: Image, kind: Kind, value: Callable[[], bytes]) -> CleanPixels | None:
            where = areas if kind is Kind.SLICE else None
            if where == ():
                return None
            decided = self.review.decided if self.review else None
            return clean_pixels(image, value(), where, decided=decided)

        return check

    def _queue_doubts(self, clean: Clean, item: str) -> None:
        cleaned = clean.pixels.cleaned if clean.pixels else None
        if cleaned is None or not cleaned.doubts:
            return
        if self.review is not None:
            self.review.put(item, cleaned.doubts)
        raise Rejected(
            Reason.PIXELS_IN_DOUBT,
            f"expected pixels that show text or do not; {len(cleaned.doubts)} places wait for `paxflow deid review`",
        )

    # --- the second look ---

    def _verify(self, file: File, clean: Clean, opened: Opened) -> None:
        verifier: Verifier = clean.context.beside.setdefault("verifier", None) or self._verifier(clean)
        clean.context.beside["verifier"] = verifier
        pixels = clean.pixels
        verifier.dicom(clean.head, pixels.length if pixels else None, uids=clean.uids)
        if pixels is None:
            return
        if pixels.value is not None:
            verifier.pixels(pixels.value)
        else:
            for at in (pixels.at, max(pixels.at, pixels.at + pixels.length - EDGE)):
                verifier.pixels(file.read(at, min(EDGE, pixels.length)))
        if pixels.checked and self._is_read_again(clean.instance_id):
            self._read_again(file, pixels, opened)

    def _verifier(self, clean: Clean) -> Verifier:
        return Verifier(Promise(self.options, clean.context.context.charset), clean.context.identifiers)

    def _is_read_again(self, instance_id: str) -> bool:
        """Whether an image is in the sample: decided by its pseudonym, so that any run decides alike."""
        return int(instance_id.rsplit(".", 1)[-1]) % _WHOLE < self.recheck_share * _WHOLE

    def _read_again(self, file: File, pixels: Pixels, opened: Opened) -> None:
        """Raise Rejected if the pixels as written still show text."""
        value = pixels.value if pixels.value is not None else file.read(pixels.at, pixels.length)
        cleaned = pixels.cleaned
        image = replace(image_of(opened), syntax=pixels.syntax)
        if cleaned is not None and cleaned.value is not None:
            image = replace(image, photometric=cleaned.photometric, planar=cleaned.planar)
        again = clean_pixels(image, value, None, decided=self.review.decided if self.review else None)
        if again.removed or again.doubts:
            raise Rejected(Reason.NOT_VERIFIED, "rule pixels-show-text")


def parts_of(file: File, clean: Clean, buffer: memoryview) -> Iterator[bytes | memoryview]:
    """The bytes of a clean file; a part is valid until the next is asked for.

    Native pixels go through one buffer that is used again and again: on Linux that is as quick as a copy by the kernel,
    and whoever hashes them sees them.
    """
    yield clean.head
    if clean.pixels is None:
        return
    if clean.pixels.value is not None:
        yield clean.pixels.value
        return
    at, end = clean.pixels.at, clean.pixels.at + clean.pixels.length
    while at < end:
        count = file.read_into(buffer[: min(len(buffer), end - at)], at)
        if not count:
            raise Rejected(Reason.SOURCE_GONE, "expected the file that was opened; it has become shorter")
        yield buffer[:count]
        at += count
