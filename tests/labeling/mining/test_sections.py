import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.sentences import sentences
from labeling.mining.sections import sections


def names(text: str) -> list[tuple[str, str]]:
    return [(span.name, text[span.body_start : span.end].strip()) for span in sections(text)]


@pytest.mark.parametrize(
    "text",
    [
        "INDICATION: Cough.\nFINDINGS: Clear lungs.\nIMPRESSION: Normal.",
        "Indication: Cough.\n\nFindings:\nClear lungs.\n\nImpression:\nNormal.",
        "indication: Cough. findings: Clear lungs. impression: Normal.",
        "INDICATION\nCough.\nFINDINGS\nClear lungs.\nIMPRESSION\nNormal.",
        "Indication\nCough.\nFindings\nClear lungs.\nConclusion\nNormal.",
        "INDICATION Cough. FINDINGS Clear lungs. IMPRESSION Normal.",
        "**Indication:** Cough.\n**Findings:** Clear lungs.\n**Impression:** Normal.",
        "Reason for exam: Cough.\nReport: Clear lungs.\nOpinion: Normal.",
        "Indikation: Cough.\nBefund: Clear lungs.\nBeurteilung: Normal.",
        "INDICATION- Cough.\nFINDINGS- Clear lungs.\nIMPRESSION- Normal.",
    ],
)
def test_headers_in_any_case_with_or_without_colon(text: str) -> None:
    assert names(text) == [("indication", "Cough."), ("findings", "Clear lungs."), ("impression", "Normal.")]


def test_text_without_header_is_kept_as_preamble() -> None:
    assert names("The lungs are clear.") == [("preamble", "The lungs are clear.")]


def test_text_before_the_first_header_is_kept() -> None:
    assert names("Two views.\nIMPRESSION: Normal.") == [("preamble", "Two views."), ("impression", "Normal.")]


@pytest.mark.parametrize(
    "text",
    [
        "The findings suggest edema.",
        "Findings suggest edema.",
        "FINDINGS SUGGEST EDEMA.",
        "Clear. Comparison is made to an older film.",
        "The impression: none given.",
    ],
)
def test_a_header_word_in_a_sentence_is_no_header(text: str) -> None:
    assert [span.name for span in sections(text)] == ["preamble"]


def test_an_organ_header_stays_in_its_section() -> None:
    assert names("FINDINGS:\nHeart: Normal.\nLungs: Clear.") == [("findings", "Heart: Normal.\nLungs: Clear.")]


def test_history_does_not_assert() -> None:
    asserts = {span.name: span.asserts for span in sections("History: Edema.\nComparison: None.\nFindings: Clear.")}
    assert asserts == {"indication": False, "comparison": False, "findings": True}


def test_no_text_has_no_section() -> None:
    assert sections("") == []


_PIECES = ["FINDINGS", "Impression:", "history", ":", ".", "\n", " ", "- ", "Heart", "1. ", "2.5 cm", "é", "\t", "İ"]


@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=4))).map("".join))
def test_sections_rebuild_the_text(text: str) -> None:
    spans = sections(text)
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(span.start <= span.body_start <= span.end and span.start < span.end for span in spans)


@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=4))).map("".join))
def test_sentences_lose_white_space_only(text: str) -> None:
    spans = sentences(text, 0, len(text))
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert edges == sorted(edges)
    gaps = "".join(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
    assert not gaps.strip()
    assert all(text[a:b] == text[a:b].strip() != "" for a, b in spans)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Edema. 2. Effusion.", ["1. Edema.", "2. Effusion."]),
        ("A 2.5 cm nodule. Clear.", ["A 2.5 cm nodule.", "Clear."]),
        ("Seen by Dr. Who. Clear.", ["Seen by Dr. Who.", "Clear."]),
        ("Scar vs. nodule at the apex.There is edema.", ["Scar vs. nodule at the apex.", "There is edema."]),
        ("The heart\nis large.", ["The heart\nis large."]),
        ("Clear lungs\n\nLarge heart", ["Clear lungs", "Large heart"]),
        ("Heart: Large\nLungs: Clear", ["Heart: Large", "Lungs: Clear"]),
        ("- Edema\n- Effusion", ["- Edema", "- Effusion"]),
        ("Opacity, ? edema. Clear.", ["Opacity, ? edema.", "Clear."]),
        ("Is there edema? Yes.", ["Is there edema?", "Yes."]),
        ("1) Edema\n2) Effusion", ["1) Edema", "2) Effusion"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in sentences(text, 0, len(text))] == expected


def test_paragraphs_without_a_header_after_a_comparison_are_findings() -> None:
    text = "FINAL REPORT\n HISTORY: Cough.\n\n COMPARISON: Old film.\n\n Lungs are clear.\n\n Heart is large."
    assert names(text)[-2:] == [
        ("comparison", "Old film."),
        ("findings", "Lungs are clear.\n\n Heart is large."),
    ]


def test_paragraphs_of_a_history_before_findings_stay_history() -> None:
    text = "HISTORY: Cough.\n\nFever.\n\nFINDINGS: Clear."
    assert names(text) == [("indication", "Cough.\n\nFever."), ("findings", "Clear.")]


def test_a_header_on_a_line_of_its_own_keeps_its_first_paragraph() -> None:
    text = "HISTORY:\n\nCough.\n\nLungs are clear.\n\nIMPRESSION: Normal."
    assert names(text) == [("indication", "Cough."), ("findings", "Lungs are clear."), ("impression", "Normal.")]


def test_capitals_with_a_colon_are_a_header_anywhere() -> None:
    assert names("Two views FINDINGS: Clear")[-1] == ("findings", "Clear")
    assert names("PORTABLE CHEST FINDINGS: Clear")[-1] == ("findings", "Clear")


def test_a_header_of_two_names_is_one() -> None:
    assert names("HISTORY: Cough.\nFindings/Impression: Clear.")[-1] == ("findings", "Clear.")


def test_what_is_said_in_another_language_is_kept_and_not_read() -> None:
    assert [(span.name, span.asserts) for span in sections("BEFUND: Kein Erguss.")] == [("findings", False)]
