"""The encoder and its words, on a model that looks vectors up: every number can be told in advance."""

import json
from pathlib import Path

import numpy as np
import pytest

from curation.errors import InputError, UsageError
from labeling.concepts.embed import LONGEST, Encoder, nearest
from labeling.concepts.wordpiece import WordPiece
from tests.labeling.concepts.onnx_bytes import PIECES, encoder_folder

TABLE = np.random.default_rng(0).normal(size=(len(PIECES), 4)).astype(np.float32)
MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def unit(vector: object) -> object:
    return pytest.approx(np.asarray(vector) / np.linalg.norm(np.asarray(vector)), abs=1e-6)


def rows(*pieces: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return TABLE[[PIECES.index(one) for one in pieces]]


def words_of(tmp_path: Path, *pieces: str, **tokenizer: object) -> WordPiece:
    if tokenizer:
        vocabulary = {piece: number for number, piece in enumerate((*MARKS, *pieces))}
        whole = {"model": {"type": "WordPiece", "vocab": vocabulary}, **tokenizer}
        (tmp_path / "tokenizer.json").write_text(json.dumps(whole))
    else:
        (tmp_path / "vocab.txt").write_text("\n".join((*MARKS, *pieces)))
    return WordPiece.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Zanthum sign", ["zan", "##thum", "sign"]),
        ("zanit, zan-sign", ["zan", "##it", ",", "zan", "-", "sign"]),
        ("É", ["e"]),
        ("qux zan", ["[UNK]", "zan"]),
        ("zanqux", ["[UNK]"]),
        ("zan\tsign\u200b\x00", ["zan", "sign"]),
        ("zan中sign", ["zan", "中", "sign"]),
        ("z" * 101, ["[UNK]"]),
        ("", []),
    ],
)
def test_words_are_split_into_known_pieces(tmp_path: Path, text: str, pieces: list[str]) -> None:
    encoder_folder(tmp_path, TABLE)
    assert WordPiece.read(tmp_path).pieces(text) == pieces


def test_capitals_stay_where_the_vocabulary_has_them(tmp_path: Path) -> None:
    assert words_of(tmp_path, "Zan", "zan").pieces("Zan zan ZAN") == ["Zan", "zan", "[UNK]"]


@pytest.mark.parametrize("normalizer", [None, {}, {"lowercase": True}])
def test_a_tokenizer_file_is_of_small_letters_unless_it_says_otherwise(tmp_path: Path, normalizer: object) -> None:
    assert words_of(tmp_path, "zan", normalizer=normalizer).pieces("Zan") == ["zan"]


def test_a_tokenizer_file_of_capitals(tmp_path: Path) -> None:
    assert words_of(tmp_path, "zan", normalizer={"lowercase": False}).pieces("Zan zan") == ["[UNK]", "zan"]


@pytest.mark.parametrize("content", ["{", "[]", '{"model": {"type": "BPE", "vocab": {}}}', '{"model": {}}'])
def test_another_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match=r"tokenizer\.json"):
        WordPiece.read(tmp_path)


def test_a_vocabulary_without_marks_or_none_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none"):
        WordPiece.read(tmp_path)
    (tmp_path / "vocab.txt").write_text("zan\n")
    with pytest.raises(InputError, match=r"\[PAD\], \[UNK\]"):
        WordPiece.read(tmp_path)


def test_the_first_mark_stands_for_the_phrase(tmp_path: Path) -> None:
    vectors = Encoder(encoder_folder(tmp_path, TABLE)).encode(["zanthum", "sign"])
    assert vectors.shape == (2, 4) and vectors.dtype == np.float32
    assert list(vectors) == [unit(rows("[CLS]")[0])] * 2


def test_the_mean_leaves_padding_out(tmp_path: Path) -> None:
    short, long = Encoder(encoder_folder(tmp_path, TABLE, typed=False), "mean").encode(["sign", "zanthum, sign"])
    assert short == unit(rows("[CLS]", "sign", "[SEP]").mean(axis=0))
    assert long == unit(rows("[CLS]", "zan", "##thum", ",", "sign", "[SEP]").mean(axis=0))


def test_a_model_that_pools_by_itself_is_taken_at_its_word(tmp_path: Path) -> None:
    vector = Encoder(encoder_folder(tmp_path, TABLE, pooled=True)).encode(["sign"])[0]
    assert vector == unit(rows("[CLS]", "sign", "[SEP]").mean(axis=0))


def test_long_phrases_are_cut_and_many_are_encoded_in_parts(tmp_path: Path) -> None:
    encoder = Encoder(encoder_folder(tmp_path, TABLE), "mean")
    many = encoder.encode(["sign"] * 70 + ["sign " * 500])
    assert many.shape == (71, 4) and many[0] == unit(many[69])
    assert many[70] == unit(rows("[CLS]", *["sign"] * (LONGEST - 2), "[SEP]").mean(axis=0))
    assert encoder.encode([]).shape == (0, 0)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    encoder_folder(tmp_path, TABLE)
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(InputError, match="ONNX"):
        Encoder(tmp_path)
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(InputError, match="none"):
        Encoder(tmp_path)


def test_a_model_that_wants_something_else_is_refused(tmp_path: Path) -> None:
    encoder_folder(tmp_path, TABLE)
    other = (tmp_path / "model.onnx").read_bytes().replace(b"token_type_ids", b"token_type_idx")
    (tmp_path / "model.onnx").write_bytes(other)
    with pytest.raises(InputError, match="got others"):
        Encoder(tmp_path)


def test_the_nearest_are_those_of_the_highest_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeling.concepts.embed._ROWS_AT_ONCE", 7)
    draw = np.random.default_rng(1)
    matrix, query = (draw.normal(size=(n, 5)).astype(np.float32) for n in (30, 3))
    matrix[20] = matrix[3]  # a tie
    for found, vector in zip(nearest(matrix, query, 4), query, strict=True):
        scores = matrix @ vector
        order = sorted(range(30), key=lambda place: (-scores[place], place))[:4]
        assert [one.position for one in found] == order
        assert [one.score for one in found] == pytest.approx(scores[order].tolist(), abs=1e-5)


def test_vectors_of_another_size_are_refused() -> None:
    with pytest.raises(UsageError, match="5 numbers, got 4"):
        nearest(np.zeros((2, 5), np.float32), np.zeros((1, 4), np.float32))
