"""What a verifier remembers of a series: stretches of elements that stand in slice after slice, byte for byte."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from curation.deid.standard import safe_private
from curation.deid.verify.walk import Element, check, value_of

MEMORABLE = 1 << 18  # bytes of an element that is worth remembering: a palette has 128 KiB


class Stretch(NamedTuple):
    """Elements that were passed and lie behind each other; a private one lies in it with its creator."""

    data: bytes
    elements: dict[int, bytes]
    creators: dict[int, str]
    first: int
    last: int


def stretches(found: Mapping[int, bytes], before: Mapping[int, bytes]) -> Iterator[Stretch]:
    """The stretches of a file, in order of tag, that are the same in the file before."""
    run: dict[int, bytes] = {}
    for tag, chunk in found.items():
        if before.get(tag) != chunk or len(chunk) > MEMORABLE:
            yield from _stretch(run)
            run = {}
        elif not _is_private(tag) or tag & 0xFFFF <= 0xFF or _block(tag) in run:
            run[tag] = chunk
        else:
            yield from _stretch(run)
            run = {}
    yield from _stretch(run)


def _stretch(run: dict[int, bytes]) -> Iterator[Stretch]:
    if run:
        tags = list(run)
        creators = {tag: _text(value_of(run[tag])) for tag in tags if _is_private(tag) and tag & 0xFFFF <= 0xFF}
        yield Stretch(b"".join(run.values()), run, creators, tags[0], tags[-1])


def creator_of(data: bytes, element: Element, creators: dict[int, str]) -> str:
    """The creator that a private element stands under, or is, noted in ``creators``; empty for a public one.

    Raises Rejected for a creator of which the standard knows no safe attribute in this group. PS3.5 7.8.1.
    """
    tag = element.tag
    if not _is_private(tag):
        return ""
    if 0x10 <= tag & 0xFFFF <= 0xFF:
        creator = creators[tag] = _text(data[element.start : element.end])
        check(_is_known(creator, tag >> 16), "creator-not-known")
        return creator
    return creators.get(_block(tag), "")


def _is_private(tag: int) -> bool:
    return bool(tag & 0x10000)


def _block(tag: int) -> int:
    """The tag of the creator of a private element."""
    return tag >> 16 << 16 | (tag & 0xFFFF) >> 8


def _text(value: bytes) -> str:
    """A creator as text, without padding; what is not ASCII is none that the standard knows."""
    return value.decode("ascii", "replace").strip(" ")


@lru_cache(4096)
def _is_known(creator: str, group: int) -> bool:
    return any(safe_private(creator, group, byte) for byte in range(256))
