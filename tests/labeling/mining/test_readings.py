import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.mining.lexicon import chest_lexicon
from labeling.mining.reader import mine_text
from labeling.mining.readings import stated


def said(text: str) -> dict[str, str]:
    return {mention.finding: mention.assertion.value for mention in mine_text(text).mentions}


@pytest.mark.parametrize(
    "text",
    [
        "The heart is enlarged.",
        "Heart: enlarged.",
        "Enlarged heart.",
        "There is enlargement of the heart.",
        "The size of the heart is mildly to moderately enlarged.",
        "The cardiac silhouette remains enlarged.",
        "Cardiac enlargement.",
        "The cardiothoracic ratio is increased.",
        "Lungs clear, heart enlarged.",
    ],
)
def test_a_large_heart_in_any_order_of_words(text: str) -> None:
    assert said(text)["cardiomegaly"] == "present"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The heart and mediastinum are normal in size, shape and position.", "absent"),
        ("Normal heart size.", "absent"),
        ("The cardiac silhouette is at the upper limits of normal.", "absent"),
        ("The heart is not enlarged.", "absent"),
        ("Heart is normal and lungs are clear.", "absent"),
        ("Borderline heart size.", "uncertain"),
        ("Borderline enlargement of the heart.", "uncertain"),
        ("Prominence of the cardiac silhouette.", "uncertain"),
        ("No prominence of the cardiac silhouette.", "absent"),
        ("The heart is not normal.", "uncertain"),
        ("The heart is possibly enlarged.", "uncertain"),
    ],
)
def test_a_heart_that_is_not_said_to_be_large(text: str, expected: str) -> None:
    assert said(text)["cardiomegaly"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Heart, mediastinum and hila are normal.",
            {"cardiomegaly", "enlarged_cardiomediastinum", "hilar_enlargement"},
        ),
        ("Normal heart size and pulmonary vascularity.", {"cardiomegaly", "vascular_congestion"}),
        (
            "Both hemidiaphragms and costophrenic angles are normal.",
            {"elevated_diaphragm", "blunted_costophrenic_angle"},
        ),
    ],
)
def test_joined_subjects_share_a_state(text: str, expected: set[str]) -> None:
    assert said(text) == dict.fromkeys(expected, "absent")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The aorta is tortuous and calcified.", {"tortuous_aorta": "present", "aortic_calcification": "present"}),
        ("The aorta is tortuous with normal heart size.", {"tortuous_aorta": "present", "cardiomegaly": "absent"}),
        ("The heart is large with clear lungs.", {"cardiomegaly": "present", "lung_opacity": "absent"}),
        ("Fullness of the left hilum.", {"hilar_enlargement": "present"}),
        ("Clear of the heart.", {}),
        ("Enlarged.", {}),
        ("Normal lung, enlarged.", {"lung_opacity": "absent"}),
        ("The trachea is calcified.", {}),
        ("Lungs are unchanged since the earlier film, which was of better quality and showed them clear.", {}),
    ],
)
def test_a_state_belongs_to_its_own_subject(text: str, expected: dict[str, str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The endotracheal tube is in the right main bronchus.", "present"),
        ("The nasogastric tube is coiled in the oesophagus.", "present"),
        ("Malpositioned feeding tube.", "present"),
        ("The PICC is in satisfactory position.", "absent"),
        ("A chest tube is not kinked.", "absent"),
    ],
)
def test_a_device_may_be_in_a_state(text: str, expected: str) -> None:
    assert said(text)["malpositioned_device"] == expected


def test_a_nodule_in_a_bronchus_is_no_device() -> None:
    assert said("A nodule in the right main bronchus.") == {"lung_nodule": "present"}


def test_the_span_holds_subject_and_state() -> None:
    text = "Today the heart size remains mildly enlarged."
    (mention,) = mine_text(text).mentions
    assert text[mention.start : mention.end] == "heart size remains mildly enlarged"


WORDS = st.sampled_from(
    [
        "heart",
        "lungs",
        "aorta",
        "is",
        "are",
        "normal",
        "enlarged",
        "clear",
        "tortuous",
        "and",
        ",",
        "with",
        "of",
        "the",
        "not",
    ]
)


@given(st.lists(WORDS, max_size=12))
def test_any_order_of_words_names_findings_within_the_sentence(words: list[str]) -> None:
    found = chest_lexicon().matches(words)
    for one in stated(words, found.content, found.trigger):
        assert 0 <= one.start < one.end <= len(words)
