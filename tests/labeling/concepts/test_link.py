"""One call from words to a concept: which method decides, and when none does."""

from pathlib import Path

import numpy as np
import pytest

from curation.errors import InputError
from labeling.concepts.link import LOOKS_ALIKE, NIL, Linker, link
from labeling.concepts.table import concepts
from labeling.concepts.umls import build
from tests.labeling.concepts.made import small_umls
from tests.labeling.concepts.onnx_bytes import PIECES, encoder_folder


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("link")
    build(small_umls(folder / "rrf"), folder / "d")
    return folder / "d"


@pytest.fixture(scope="module")
def linker(dictionary: Path) -> Linker:
    return Linker.open(dictionary)


@pytest.mark.parametrize(
    ("mention", "concept_id", "cui"),
    [
        ("pleural effusions", "pleural_effusion", "C0032227"),
        ("PNEUMOTHORAX", "pneumothorax", "C0032326"),
        ("aortic aneurysm", "aortic_aneurysm", "C0003486"),  # a name comes before a phrase of the lexicon
        ("right upper lobe", "", ""),
        ("upper lobe", "upper_lobe", ""),
        ("flurb", "", ""),
        ("", "", ""),
    ],
)
def test_own_concepts_need_no_dictionary(mention: str, concept_id: str, cui: str) -> None:
    found = link(mention)
    assert (found.concept_id, found.cui) == (concept_id, cui)
    assert (found.method, found.score) == (("own", 1.0) if concept_id else ("nil", 0.0))


@pytest.mark.parametrize(
    ("mention", "concept_id", "method"),
    [
        ("pleural effusion", "pleural_effusion", "own"),
        ("fluid, blorbic", "C9000001", "dictionary"),
        ("zanthum", "C9000004", "dictionary"),
        ("zanthum collapsed", "C9000003", "ngrams"),
        ("blorbic fluids", "C9000001", "ngrams"),
        ("all", "", "nil"),
        ("ALL", "", "nil"),
        ("quite another thing", "", "nil"),
    ],
)
def test_the_first_that_is_sure_decides(linker: Linker, mention: str, concept_id: str, method: str) -> None:
    found = link(mention, linker)
    assert (found.concept_id, found.method) == (concept_id, method)
    assert 0 < found.score <= 1 or found == NIL


def test_a_concept_of_the_umls_is_its_own_cui(linker: Linker) -> None:
    assert link("fluid, blorbic", linker).cui == "C9000001"


def test_the_id_of_a_term_list_is_no_cui(tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_text("RID7\tflurb sign\n")
    build(tmp_path / "terms.tsv", tmp_path / "d")
    found = link("flurb sign", Linker.open(tmp_path / "d"))
    assert (found.concept_id, found.cui, found.method) == ("RID7", "", "dictionary")


def test_an_encoder_finds_what_means_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.zeros((len(PIECES), 3), np.float32)
    table[PIECES.index("[UNK]")] = (0, 1, 0)
    table[[PIECES.index("zan"), PIECES.index("##thum")]] = (1, 0, 0)
    table[PIECES.index("sign")] = (0, 0, 1)
    folder = encoder_folder(tmp_path, table)
    linker = Linker.open(encoder=folder, pooling="mean")
    first = next(iter(concepts()))
    found = link("qux flurb", linker)
    assert (found.concept_id, found.method) == (first, "embedding") and found.score == pytest.approx(1)
    assert link("zanthum", linker) == NIL
    assert link("no", linker) == NIL


def test_look_alikes_are_bounded_below(linker: Linker) -> None:
    assert link("zanthum colour", linker) == NIL and LOOKS_ALIKE > 0.5


def test_a_folder_that_is_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Linker.open(tmp_path)
    with pytest.raises(InputError):
        Linker.open(encoder=tmp_path)
