import pytest

from curation.records import Assertion
from labeling.mining.bearings import ANY, bearings
from labeling.mining.binding import bind
from labeling.mining.lexicon import chest_lexicon, expand, read_rules, tokens
from labeling.mining.reader import read_sentence
from labeling.mining.spoken import Said


def said(sentence: str) -> list[tuple[str, str, str, str]]:
    """Finding, side, severity and places of each mention."""
    return [_short(one) for one in read_sentence(sentence, chest_lexicon())]


def bound(sentence: str, absent: int = 0) -> list[tuple[str, str, str, str]]:
    """The same where the whole sentence is bound at once; the first ``absent`` findings are absent."""
    words = tokens(sentence)
    found = chest_lexicon().matches(words)
    named = [match for match in found.content if match.term.kind == "finding"]
    mentions = [
        Said(
            match.start, match.end, match.term.name, Assertion.ABSENT if place < absent else Assertion.PRESENT, "r", "a"
        )
        for place, match in enumerate(named)
    ]
    return [_short(one) for one in bind(words, mentions, found.modifier)]


def _short(one: Said) -> tuple[str, str, str, str]:
    return one.finding, one.laterality, one.severity, " ".join(one.location)


@pytest.mark.parametrize(
    ("sentence", "sides"),
    [
        ("A left effusion.", ["left"]),
        ("Effusion on the right.", ["right"]),
        ("Effusions are seen bilaterally.", ["bilateral"]),
        ("Bibasilar atelectasis.", ["bilateral"]),
        ("Bibasilar atelectasis, worse on the left.", ["bilateral"]),
        ("Effusions, right larger than left.", ["bilateral"]),
        ("A right effusion and a left effusion.", ["right", "left"]),
        ("Right apical and left basal opacities.", ["bilateral"]),
        ("Opacities in the lower lobes.", ["bilateral"]),
        ("Opacities in the left lower and upper lobes.", ["left"]),
        ("Opacity in the right middle lobe and left lower lobe consistent with pneumonia.", ["bilateral", "bilateral"]),
        ("Pneumothorax on the left with cardiomegaly.", ["left", ""]),
        ("RLL opacity.", ["right"]),
        ("Cardiomegaly and effusion on the left.", ["", "left"]),
        ("Scarring left apex and effusion.", ["left", "left"]),
        ("Opacities, left greater than right, and effusion.", ["bilateral", ""]),
        ("Opacities in both lungs and effusions, both small.", ["bilateral", "bilateral"]),
        ("Opacity of both lungs.", ["bilateral"]),
        ("Left opacity and right effusion, both stable.", ["left", "right"]),
        ("Left opacity and right effusion are seen, both.", ["left", "right"]),
    ],
)
def test_a_side_goes_to_its_finding(sentence: str, sides: list[str]) -> None:
    assert [one[1] for one in said(sentence)] == sides


@pytest.mark.parametrize(
    ("sentence", "places"),
    [
        ("Right upper and lower lobe opacity.", ["lower_lobe upper_lobe"]),
        ("Opacity in the right upper, right middle and lower lobes.", ["lower_lobe middle_lobe upper_lobe"]),
        ("Opacity at the base and nodule in the lingula.", ["lung_base", "lingula"]),
        ("Opacity within the hilum, there is atelectasis.", ["hilum", ""]),
        ("Fractures of the left fifth through ninth ribs.", ["rib_5 rib_6 rib_7 rib_8 rib_9"]),
        ("Fractures of the right 4th and posterior 6th ribs.", ["posterior rib_4 rib_6"]),
        ("Fractures of left ribs 4-6.", ["rib_4 rib_5 rib_6"]),
        ("Fractures of the left ribs.", ["ribs"]),
        ("Fracture of the sixth posterior rib.", ["posterior rib_6"]),
        ("Lower lobe opacity.", ["lower_lobe"]),
        ("Right 6th rib fracture.", ["rib_6"]),
    ],
)
def test_places_that_share_a_noun_or_stand_in_a_list(sentence: str, places: list[str]) -> None:
    assert [one[3] for one in bound(sentence)] == places


@pytest.mark.parametrize(
    ("sentence", "severities"),
    [
        ("Mild edema.", ["mild"]),
        ("Mild to moderate edema.", ["moderate"]),
        ("Small to moderate effusion.", ["moderate"]),
        ("The effusion is small.", ["small"]),
        ("The effusion on the left has increased and is now large.", ["large"]),
        ("Edema, mild.", ["mild"]),
        ("Atelectasis mild.", ["mild"]),
        ("Edema, mild streaks.", [""]),
        ("Edema with mild streaks.", [""]),
        ("Edema of the lungs and of one or another thing that nobody has ever named before is small.", [""]),
        ("Slightly worse opacity.", [""]),
        ("Mildly increased interstitial markings.", ["mild"]),
        ("Minimally displaced fracture.", [""]),
        ("Mild streaks in the base, atelectasis.", [""]),
        ("Mild streaks and atelectasis.", [""]),
        ("Mild, patchy atelectasis.", ["mild"]),
        ("Small right and left effusions.", ["small"]),
        ("Small amount of fluid that is not seen on any of the other views, effusion.", [""]),
        ("Mild scarring or atelectasis.", ["mild", "mild"]),
        ("Mild scarring and atelectasis.", ["mild", ""]),
        ("Small right and moderate left effusions.", ["moderate"]),
        ("Large heart.", [""]),
        ("Moderate cardiomegaly.", ["moderate"]),
        ("Mild adjacent atelectasis.", ["mild"]),
    ],
)
def test_a_severity_is_one_of_the_finding_and_not_of_a_change(sentence: str, severities: list[str]) -> None:
    assert [one[2] for one in bound(sentence)] == severities


@pytest.mark.parametrize(
    ("sentence", "sides"),
    [
        ("Left base opacity, may represent atelectasis.", ["left", "left"]),
        ("Left effusion with adjacent atelectasis.", ["left", "left"]),
        ("Opacity likely atelectasis in the left base.", ["left", "left"]),
        ("Atelectasis and effusion at the left base.", ["left", "left"]),
        ("Nodule in the right base, there is atelectasis.", ["right", ""]),
        ("Left opacity is seen and atelectasis.", ["left", ""]),
        ("Left opacity atelectasis.", ["left", "left"]),
        ("Left opacity of atelectasis.", ["left", ""]),
        ("Left upper lobe mass and basilar atelectasis.", ["left", ""]),
        ("Left edema and atelectasis.", ["left", ""]),
        ("Right opacity and left scarring and atelectasis.", ["right", "left", "left"]),
        ("Right opacity, left opacity or right scarring.", ["right", "left", "right"]),
        ("Right scarring and atelectasis and effusion at the left base.", ["right", "left", "left"]),
        ("Edema and opacity at the left base.", ["", "left"]),
    ],
)
def test_findings_of_one_kin_share_a_side(sentence: str, sides: list[str]) -> None:
    assert [one[1] for one in bound(sentence)] == sides


def test_a_finding_that_explains_another_lies_where_it_does() -> None:
    assert said("Left base opacity may represent atelectasis.")[1] == ("atelectasis", "left", "", "lung_base")
    assert said("Left lung opacity may represent pleural effusion.")[1] == ("pleural_effusion", "left", "", "pleura")


def test_what_is_absent_shares_with_what_is_absent() -> None:
    assert [one[1] for one in bound("no left effusion, pneumothorax", absent=2)] == ["left", "left"]
    assert [one[1] for one in bound("no effusion, left opacity", absent=1)] == ["", "left"]
    assert [one[1] for one in bound("no left effusion may represent atelectasis", absent=2)] == ["left", ""]
    assert [one[1] for one in bound("no effusion and left base opacity", absent=1)] == ["", "left"]
    assert [one[1] for one in bound("no left effusion and opacity", absent=1)] == ["left", ""]


def test_two_findings_of_one_phrase_have_the_same_side() -> None:
    words = tokens("left hydropneumothorax")
    mentions = [Said(1, 2, name, Assertion.PRESENT, "r", "a") for name in ("pleural_effusion", "pneumothorax")]
    sides = [one.laterality for one in bind(words, mentions, chest_lexicon().matches(words).modifier)]
    assert sides == ["left", "left"]


def test_a_side_with_no_finding_that_can_have_one_is_nobodys() -> None:
    assert bound("Left xxxx and cardiomegaly.") == [("cardiomegaly", "", "", "")]


def test_nothing_named_nothing_bound() -> None:
    assert bind(tokens("left 9 mm"), [], []) == []


def test_every_bearing_is_of_known_findings_and_places() -> None:
    known = {rule["name"] for rule in read_rules("findings")} | {rule["finding"] for rule in read_rules("readings")}
    findings = [name for rule in read_rules("bearings") for name in rule["findings"].split()]
    assert sorted(set(findings)) == sorted(findings)
    assert set(findings) <= known
    places = {rule["name"] for rule in read_rules("locations")} | {rule["name"] for rule in read_rules("places")}
    for bearing in bearings().values():
        assert bearing.within is None or bearing.within <= places
    lung_parts = bearings()["pneumothorax"].within or frozenset()
    assert {"lung_base", "lung_apex", "retrocardiac"} <= lung_parts
    assert "lung" not in lung_parts
    assert ANY.within is None


@pytest.mark.parametrize("rule", read_rules("locations"), ids=lambda rule: rule["rule_id"])
def test_each_phrase_of_a_place_says_where(rule: dict[str, str]) -> None:
    for phrase in expand(rule["phrases"]):
        (one,) = bound(f"xxxx nodule of {phrase}")
        assert rule["name"] in one[3].split(), phrase
        assert rule["laterality"] in ("", one[1]) or one[1] == "bilateral", phrase


@pytest.mark.parametrize("rule", read_rules("modifiers"), ids=lambda rule: rule["rule_id"])
def test_each_phrase_of_a_side_or_a_severity_says_it(rule: dict[str, str]) -> None:
    for phrase in expand(rule["phrases"]):
        (one,) = bound(f"{phrase} nodule")
        assert one[1 if rule["kind"] == "laterality" else 2] == rule["name"], phrase
