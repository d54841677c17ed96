"""Phrases that mean alike: an encoder of the SapBERT class (Liu 2021), plugged in from a local folder.

The folder holds ``model.onnx`` (inputs input_ids, attention_mask and, if it has it, token_type_ids; the first output is
(phrases, tokens, size), or already (phrases, size)) and the vocabulary: ``vocab.txt``, one piece a line, or
``tokenizer.json`` of a WordPiece model. Nothing is fetched, ever.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf

from curation.errors import InputError, UsageError
from labeling.concepts.wordpiece import WordPiece

Floats = NDArray[np.float32]
Pooling = Literal["cls", "mean"]

_NOT_A_MODEL = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf)
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_AT_ONCE = 64  # phrases
_ROWS_AT_ONCE = 1 << 16  # of the matrix, in a search
LONGEST = 64
"""Pieces of a phrase, the two marks at its ends included."""


class Encoder:
    """Turns phrases into vectors of length 1."""

    def __init__(self, folder: Path, pooling: Pooling = "cls") -> None:
        """Load; SapBERT pools by ``cls``, others by ``mean``. Raises InputError if a file is missing or another."""
        self._words = WordPiece.read(folder)
        path = folder / "model.onnx"
        if not path.is_file():
            raise InputError("expected model.onnx in the encoder's folder, found none")
        options = SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._model = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except _NOT_A_MODEL:
            raise InputError("model.onnx: expected an ONNX model, got another file") from None
        self._inputs = [one.name for one in self._model.get_inputs()]
        if not set(self._inputs) <= set(_INPUTS):
            raise InputError(f"model.onnx: expected no inputs but {', '.join(_INPUTS)}; got others")
        self._pooling = pooling

    def encode(self, phrases: Sequence[str]) -> Floats:
        """Vectors, shape (phrases, size); that of a phrase does not depend on the others."""
        parts = [self._some(phrases[start : start + _AT_ONCE]) for start in range(0, len(phrases), _AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)

    def _some(self, phrases: Sequence[str]) -> Floats:
        ids = [self._words.ids(phrase, LONGEST) for phrase in phrases]
        width = max(map(len, ids))
        tokens = np.full((len(ids), width), self._words.padding, np.int64)
        mask = np.zeros((len(ids), width), np.int64)
        for row, one in enumerate(ids):
            tokens[row, : len(one)] = one
            mask[row, : len(one)] = 1
        given = dict(zip(_INPUTS, (tokens, mask, np.zeros_like(tokens)), strict=True))
        output = np.asarray(self._model.run(None, {name: given[name] for name in self._inputs})[0], np.float32)
        return _unit(_pooled(output, mask, self._pooling))


class Near(NamedTuple):
    """A row by position, and its cosine in [-1, 1]."""

    position: int
    score: float


def nearest(matrix: Floats, query: Floats, most: int = 10) -> list[list[Near]]:
    """For each query, the rows of a matrix of unit vectors with the highest cosine, best first, ties by position.

    ``matrix`` has the shape (rows, size) and may lie on disk: it is read in blocks. ``query`` is (queries, size).
    Raises UsageError if their sizes differ.
    """
    if matrix.shape[1] != query.shape[1]:
        raise UsageError(f"expected vectors of {matrix.shape[1]} numbers, got {query.shape[1]}: one encoder made each")
    best: list[list[Near]] = [[] for _ in query]
    for start in range(0, len(matrix), _ROWS_AT_ONCE):
        scores = query @ np.asarray(matrix[start : start + _ROWS_AT_ONCE]).T
        for one, row in zip(best, scores, strict=True):
            top = np.argsort(-row, kind="stable")[:most]
            one += [Near(start + int(position), float(row[position])) for position in top]
            one.sort(key=lambda near: (-near.score, near.position))
            del one[most:]
    return best


def _pooled(output: Floats, mask: NDArray[np.int64], pooling: Pooling) -> Floats:
    if output.ndim == 2:
        return output
    if pooling == "cls":
        first: Floats = output[:, 0]
        return first
    weights = mask[:, :, None].astype(np.float32)
    mean: Floats = (output * weights).sum(axis=1) / weights.sum(axis=1)
    return mean


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.maximum(lengths, np.float32(1e-12))
    return unit
