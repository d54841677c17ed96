import pytest

from labeling.mining.lexicon import read_rules
from labeling.mining.output import modifiers
from labeling.mining.reader import mine_text


def of(text: str, label: str) -> dict[str, list[str]]:
    mined = mine_text(text)
    return modifiers(mined.labels, mined.mentions)[label]


@pytest.mark.parametrize(
    ("text", "label", "places"),
    [
        ("Left base opacity.", "Lung Opacity", ["base", "lung"]),
        ("Left base atelectasis.", "Atelectasis", ["base"]),
        ("Left lung atelectasis.", "Atelectasis", []),
        ("Left midlung opacity.", "Lung Opacity", ["lingula", "lung"]),
        ("Right midlung opacity.", "Lung Opacity", ["lung", "middle lobe"]),
        ("Midlung opacity.", "Lung Opacity", ["lung"]),
        ("Left apical pleural thickening.", "Pleural Other", ["apex", "pleura"]),
        ("Opacity overlying the posterior sixth rib.", "Lung Opacity", ["lung"]),
        ("Fracture of the posterior sixth rib.", "Fracture", ["posterior", "ribs"]),
        ("Fracture of L1.", "Fracture", ["lumbar vertebrae"]),
        ("The heart is enlarged.", "Cardiomegaly", []),
        ("Right upper lobe opacity. Left base opacity.", "Lung Opacity", ["base", "lung", "upper lobe"]),
    ],
)
def test_places_in_words_of_mesh(text: str, label: str, places: list[str]) -> None:
    assert of(text, label)["loc"] == places


def test_a_place_that_says_its_side_has_none() -> None:
    assert of("Opacity in the lingula.", "Lung Opacity")["lat"] == []
    assert of("Opacity in the lingula and the left base.", "Lung Opacity")["lat"] == ["left"]
    assert of("Left opacity.", "Lung Opacity")["lat"] == ["left"]


def test_only_what_is_present_or_uncertain_has_modifiers() -> None:
    mined = mine_text("No left effusion. Mild edema. Possible small right pneumothorax.")
    said = modifiers(mined.labels, mined.mentions)
    assert "Pleural Effusion" not in said
    assert said["Edema"]["sev"] == ["mild"]
    assert said["Pneumothorax"] == {"lat": ["right"], "sev": ["small"], "loc": []}


def test_every_place_has_words_of_mesh() -> None:
    assert all(rule["mesh"].strip() for rule in read_rules("locations"))
