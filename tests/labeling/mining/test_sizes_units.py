"""Numbers beside a length: what a unit elsewhere in the clause does to them."""

import pytest

from labeling.mining.reader import mine_text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Nodule of 5 mm on image 8", 5.0),
        ("Nodule of 2x3cm", 30.0),
        ("Nodule of 2 cm x3", 20.0),
        ("Symmetric nodule, 8", None),
    ],
)
def test_a_number_without_a_unit_is_no_size(text: str, size: float | None) -> None:
    assert [mention.size_mm for mention in mine_text(text).mentions] == [size]
