"""A tiny encoder in the ONNX format, written field by field: it looks each token's vector up in a table."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FLOAT, INT64, INTS = 1, 7, 7  # TensorProto.DataType; AttributeProto.AttributeType

# Pieces of made-up words; row n of a table is the vector of piece n.
PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "zan",
    "##thum",
    "##it",
    "blorb",
    ",",
    "-",
    "sign",
    "é",
    "e",
    "中",
]


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def _field(number: int, value: int | str | bytes) -> bytes:
    """A field of a protocol buffer: a number, or bytes with their length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor_of(name: str, kind: int, *sizes: str | int) -> bytes:
    dims = b"".join(_field(1, _field(2, size) if isinstance(size, str) else _field(1, size)) for size in sizes)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dims)))


def _node(kind: str, inputs: tuple[str, ...], output: str, attribute: bytes = b"") -> bytes:
    return b"".join(_field(1, one) for one in inputs) + _field(2, output) + _field(4, kind) + attribute


def model(table: NDArray[np.float32], pooled: bool = False, typed: bool = True) -> bytes:
    """A model whose output is (phrases, tokens, size), or (phrases, size) if ``pooled``: the mean of all tokens."""
    size = table.shape[1]
    held = (
        b"".join(_field(1, n) for n in table.shape) + _field(2, FLOAT) + _field(8, "table") + _field(9, table.tobytes())
    )
    nodes = _field(1, _node("Gather", ("table", "input_ids"), "tokens" if pooled else "out"))
    shape: tuple[str | int, ...] = ("n", "t", size)
    if pooled:
        numbers = (
            _field(5, _field(1, "axes") + _field(8, 1) + _field(20, INTS)),
            _field(5, _field(1, "keepdims") + _field(3, 0) + _field(20, 2)),
        )
        nodes += _field(1, _node("ReduceMean", ("tokens",), "out", b"".join(numbers)))
        shape = ("n", size)
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if typed else [])]
    inputs = b"".join(_field(11, _tensor_of(name, INT64, "n", "t")) for name in names)
    graph = nodes + _field(2, "g") + _field(5, held) + inputs + _field(12, _tensor_of("out", FLOAT, *shape))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


def encoder_folder(folder: Path, table: NDArray[np.float32], pooled: bool = False, typed: bool = True) -> Path:
    """A folder with the model and its ``vocab.txt``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model(table, pooled, typed))
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return folder
