"""The part of a dictionary that is matched: columns that are read where they lie (``columns``), written in one pass.

keys          key of each distinct phrase, sorted                        uint64
phrase        the phrase, normalised                                     strings
last          one past the last candidate of each phrase                 uint32
candidate     the concept of each candidate, by position                 uint32
n_sources     how many sources call it so                                uint8
flags         PREFERRED, CAPS (a source writes it all in capitals), SMALL (another does not)
id, name      of each concept                                            strings
typed, type   concept and semantic type (the number of its TUI), sorted  uint32, uint16
whole, begun  bitmaps: a phrase may have this key, may begin with it     uint8
"""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.errors import InputError
from labeling.concepts.columns import StringsWriter, add_numbers, write_numbers
from labeling.concepts.keys import Keys, phrase_keys

FORMAT = 1
"""Of a dictionary folder: one that an older paxflow made is built again."""

PREFERRED, CAPS, SMALL = 1, 2, 4

_BITS_A_PHRASE = 16  # one in sixteen keys that no phrase has passes
_FEWEST_BITS, _MOST_BITS = 16, 27  # 16 MiB at most, so that it stays in the processor's cache


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a dictionary was made of; raises InputError if the folder is none, or one of another version."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no JSON, or not UTF-8
        raise InputError("expected a dictionary folder, got another: make one with `paxflow umls build`") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"expected a dictionary of format {FORMAT}, got another: build it again")
    return manifest


def bit_of(keys: Keys, n_bits: int) -> NDArray[np.int64]:
    """Where keys stand in a bitmap of 2^``n_bits`` bits."""
    spread = keys * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - n_bits)  # Fibonacci hashing, Knuth 1973
    return spread.astype(np.int64)


def is_set(bitmap: NDArray[np.uint8], bits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the bits are set."""
    marks: NDArray[np.bool_] = (bitmap[bits >> 3] & _mask(bits)).astype(np.bool_)
    return marks


def _set(bitmap: NDArray[np.uint8], bits: NDArray[np.int64]) -> None:
    np.bitwise_or.at(bitmap, bits >> 3, _mask(bits))


def _mask(bits: NDArray[np.int64]) -> NDArray[np.uint8]:
    mask: NDArray[np.uint8] = np.left_shift(1, bits & 7).astype(np.uint8)
    return mask


def write_concepts(folder: Path, batches: Iterable[pa.RecordBatch]) -> int:
    """Columns of concepts from batches (id, name) in order of position; returns how many."""
    ids, names, count = StringsWriter(folder, "id"), StringsWriter(folder, "name"), 0
    for batch in batches:
        ids.add(batch["cui"].to_pylist())
        names.add(batch["name"].to_pylist())
        count += batch.num_rows
    return count


def write_types(folder: Path, batches: Iterable[pa.RecordBatch]) -> None:
    """Columns of semantic types from batches (position, number of the TUI) in order of position."""
    write_numbers(folder, "typed", np.empty(0, np.uint32))
    write_numbers(folder, "type", np.empty(0, np.uint16))
    for batch in batches:
        add_numbers(folder, "typed", np.asarray(batch["position"]).astype(np.uint32))
        add_numbers(folder, "type", np.asarray(batch["tui"]).astype(np.uint16))


def write_phrases(folder: Path, batches: Iterable[pa.RecordBatch], n_at_most: int) -> tuple[int, int]:
    """Columns of phrases and candidates from batches (key, normalised, position, n_sources, ispref, caps, small).

    They must come sorted by key and normalised phrase. Returns how many distinct phrases there are, and how many of
    them share their key with another (of which only the first is found).
    """
    n_bits = int(np.clip(np.ceil(np.log2(max(n_at_most, 1) * _BITS_A_PHRASE)), _FEWEST_BITS, _MOST_BITS))
    whole, begun = np.zeros(1 << n_bits - 3, np.uint8), np.zeros(1 << n_bits - 3, np.uint8)
    phrases = StringsWriter(folder, "phrase")
    for name, kind in (("keys", np.uint64), ("last", np.uint32), ("candidate", np.uint32)):
        write_numbers(folder, name, np.empty(0, kind))
    for name in ("n_sources", "flags"):
        write_numbers(folder, name, np.empty(0, np.uint8))
    n_phrases = n_shared = n_candidates = 0
    for batch in _whole_phrases(batches):
        texts = batch["normalised"].to_pylist()
        keys = np.asarray(batch["key"])
        first = np.array([True, *(a != b for a, b in pairwise(texts))])
        distinct = [text for text, is_first in zip(texts, first, strict=True) if is_first]
        phrases.add(distinct)
        add_numbers(folder, "keys", keys[first])
        ends = np.append(np.flatnonzero(first)[1:], len(texts)) + n_candidates
        add_numbers(folder, "last", ends.astype(np.uint32))
        _add_candidates(folder, batch)
        _set(whole, bit_of(keys, n_bits))
        _set(begun, bit_of(phrase_keys(distinct)[2], n_bits))
        n_shared += int((np.diff(keys[first]) == 0).sum())
        n_phrases += len(distinct)
        n_candidates += len(texts)
    write_numbers(folder, "whole", whole)
    write_numbers(folder, "begun", begun)
    return n_phrases, n_shared


def _add_candidates(folder: Path, batch: pa.RecordBatch) -> None:
    flags = [np.asarray(batch[name]).astype(np.uint8) for name in ("ispref", "caps", "small")]
    add_numbers(folder, "candidate", np.asarray(batch["position"]).astype(np.uint32))
    add_numbers(folder, "n_sources", np.minimum(np.asarray(batch["n_sources"]), 255).astype(np.uint8))
    add_numbers(folder, "flags", flags[0] * PREFERRED + flags[1] * CAPS + flags[2] * SMALL)


def _whole_phrases(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that do not end between two rows of one key."""
    rest: pa.RecordBatch | None = None
    for batch in batches:
        joined = batch if rest is None else pa.concat_batches([rest, batch])
        keys = np.asarray(joined["key"])
        cut = int(np.searchsorted(keys, keys[-1])) if len(keys) else 0
        if cut:
            yield joined.slice(0, cut)
        rest = joined.slice(cut)
    if rest is not None and rest.num_rows:
        yield rest
