import pytest

from labeling.mining.reader import mine_text


def said(text: str) -> dict[str, str]:
    return {mention.finding: mention.assertion.value for mention in mine_text(text).mentions}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "No effusion, pneumothorax or edema.",
            {"pleural_effusion": "absent", "pneumothorax": "absent", "edema": "absent"},
        ),
        ("No effusion, heart is enlarged.", {"pleural_effusion": "absent", "cardiomegaly": "present"}),
        ("No effusion but there is edema.", {"pleural_effusion": "absent", "edema": "present"}),
        ("No effusion; edema.", {"pleural_effusion": "absent", "edema": "present"}),
        ("No effusion seen, left base opacity.", {"pleural_effusion": "absent", "lung_opacity": "present"}),
        ("Opacity without effusion.", {"lung_opacity": "present", "pleural_effusion": "absent"}),
        ("A pneumothorax is ruled out.", {"pneumothorax": "absent"}),
        ("Effusion and edema are not seen.", {"pleural_effusion": "absent", "edema": "absent"}),
        ("The opacity may represent atelectasis.", {"lung_opacity": "present", "atelectasis": "uncertain"}),
        ("No opacity to suggest pneumonia.", {"lung_opacity": "absent", "pneumonia": "absent"}),
        (
            "No pneumothorax; a small effusion cannot be excluded.",
            {"pneumothorax": "absent", "pleural_effusion": "uncertain"},
        ),
        ("No change in the small effusion.", {"pleural_effusion": "present"}),
        ("Atelectasis versus pneumonia.", {"atelectasis": "uncertain", "pneumonia": "uncertain"}),
        (
            "Scarring or atelectasis cannot exclude pneumonia.",
            {"scar": "present", "atelectasis": "present", "pneumonia": "uncertain"},
        ),
        (
            "Atelectasis with a few small nodules versus scar.",
            {"atelectasis": "present", "lung_nodule": "uncertain", "scar": "uncertain"},
        ),
        (
            "The opacity may represent atelectasis versus scar.",
            {"lung_opacity": "present", "atelectasis": "uncertain", "scar": "uncertain"},
        ),
        ("Opacity, pneumonia is not excluded.", {"lung_opacity": "present", "pneumonia": "uncertain"}),
        ("Right opacity, ?mass.", {"lung_opacity": "present", "lung_mass": "uncertain"}),
        ("Opacity is favored to represent scar.", {"lung_opacity": "present", "scar": "uncertain"}),
        ("The pneumothorax has not recurred.", {"pneumothorax": "absent"}),
        ("Difficult to exclude pneumonia.", {"pneumonia": "uncertain"}),
        ("The effusion has not resolved.", {"pleural_effusion": "present"}),
        ("A nodule, not seen on the lateral view.", {"lung_nodule": "present"}),
        ("The nodule is not seen.", {"lung_nodule": "absent"}),
        (
            "Pneumothorax: no. Effusion: none. Edema: negative.",
            {"pneumothorax": "absent", "pleural_effusion": "absent", "edema": "absent"},
        ),
        ("Cardiomegaly and suspected effusion.", {"cardiomegaly": "present", "pleural_effusion": "uncertain"}),
        ("No opacity in the lung fields, a nodule.", {"lung_opacity": "absent", "lung_nodule": "present"}),
        ("The effusion has resolved.", {"pleural_effusion": "absent"}),
        ("?pneumonia", {"pneumonia": "uncertain"}),
    ],
)
def test_what_a_sentence_says(text: str, expected: dict[str, str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Heart size and pulmonary vascularity are normal.",
            {"cardiomegaly": "absent", "vascular_congestion": "absent"},
        ),
        (
            "Normal heart size and mediastinal contours.",
            {"cardiomegaly": "absent", "enlarged_cardiomediastinum": "absent"},
        ),
        ("The aorta is tortuous with normal heart size.", {"tortuous_aorta": "present", "cardiomegaly": "absent"}),
        ("The aorta is tortuous and calcified.", {"tortuous_aorta": "present", "aortic_calcification": "present"}),
        (
            "The heart is normal in size, and the lungs are hyperexpanded.",
            {"cardiomegaly": "absent", "hyperinflation": "present"},
        ),
        ("The heart is not enlarged.", {"cardiomegaly": "absent"}),
        ("Lungs: clear", {"lung_opacity": "absent"}),
        ("The heart size is unchanged.", {}),
    ],
)
def test_a_subject_in_a_state(text: str, expected: dict[str, str]) -> None:
    assert said(text) == expected
