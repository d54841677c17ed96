import pickle
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.records import Mention, Reason, Report, ReportLabel, Section
from curation.stage import prepare, rejects, run_batch
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling.mine import STAGE
from labeling.mining.reader import mine_text
from labeling.mining.spoken import Spoken
from tests.builders import workspace_at


def the(finding: str, text: str) -> Spoken:
    (mention,) = [mention for mention in mine_text(text).mentions if mention.finding == finding]
    return mention


def test_a_mention_points_at_its_words() -> None:
    text = "FINDINGS:\nThe lungs are low.\nThere is a small  left\npleural-effusion."
    mention = the("pleural_effusion", text)
    assert text[mention.start : mention.end] == "pleural-effusion"
    assert text[slice(*mention.sentence)] == "There is a small  left\npleural-effusion."
    assert (mention.section, mention.laterality, mention.severity) == ("findings", "left", "small")


@pytest.mark.parametrize(
    ("text", "finding", "side", "severity", "location"),
    [
        ("Mild bibasilar atelectasis.", "atelectasis", "bilateral", "mild", ("lung_base",)),
        ("Small left effusion and right basilar opacity.", "pleural_effusion", "left", "small", ()),
        ("Small left effusion and right basilar opacity.", "lung_opacity", "right", "", ("lung_base",)),
        ("Opacity in the right upper lobe.", "lung_opacity", "right", "", ("upper_lobe",)),
        ("Bibasilar scarring and atelectasis.", "atelectasis", "bilateral", "", ("lung_base",)),
        ("Atelectasis and scarring at the left base.", "atelectasis", "left", "", ("lung_base",)),
        ("Fracture of the left posterior 5th rib.", "fracture", "left", "", ("posterior", "rib_5")),
        ("The heart is moderately enlarged.", "cardiomegaly", "", "moderate", ("heart",)),
        ("Wedge fracture of T12.", "vertebral_compression_fracture", "", "", ("vertebra_T12",)),
        ("Left and right effusions.", "pleural_effusion", "bilateral", "", ()),
        ("Clear right lung but a nodule in the lingula.", "lung_nodule", "left", "", ("lingula",)),
    ],
)
def test_side_severity_and_place_are_bound_in_the_clause(
    text: str, finding: str, side: str, severity: str, location: tuple[str, ...]
) -> None:
    mention = the(finding, text)
    assert (mention.laterality, mention.severity, mention.location) == (side, severity, location)


def test_what_history_names_is_neither_mention_nor_label() -> None:
    mined = mine_text("INDICATION: Pneumonia.\nCOMPARISON: Old film with effusion.\nFINDINGS: No edema.")
    assert [mention.finding for mention in mined.mentions] == ["edema"]
    assert mined.labels["Pneumonia"] == (None, ())
    assert mined.labels["No Finding"][0] == 1


def test_a_report_of_nothing_but_history_says_no_label() -> None:
    mined = mine_text("INDICATION: Pneumonia.")
    assert {state for state, _ in mined.labels.values()} == {None}


def test_two_states_of_one_subject_are_one_mention() -> None:
    assert the("cardiomegaly", "The heart is enlarged and prominent.").assertion == "present"


_WORDS = ["no", "left", "effusion", "heart", "enlarged", "normal", "and", ",", ".", "may", "represent", "with", "\n"]


@given(st.lists(st.sampled_from([*_WORDS, "FINDINGS:", "opacity", "İ", "atelectasis", "1.", "not seen"]), max_size=25))
def test_any_text_can_be_mined(words: list[str]) -> None:
    text = " ".join(words)
    mined = mine_text(text)
    for mention in mined.mentions:
        assert mention.sentence[0] <= mention.start < mention.end <= mention.sentence[1] <= len(text)
    keys = [(mention.start, mention.finding) for mention in mined.mentions]
    assert len(keys) == len(set(keys))
    assert len(mined.labels) == 14


# --- the stage -------------------------------------------------------------------------------------------


def mined_workspace(tmp_path: Path, texts: dict[str, str]) -> Workspace:
    workspace = workspace_at(tmp_path)
    reports = [Report(name, "p", "", None, "local", "LicenseRef-local", text) for name, text in texts.items()]
    write_parquet(to_arrow(Report, reports), workspace.tables("deid") / "reports" / "a.parquet")
    for batch in prepare(STAGE, workspace).batches:
        run_batch(STAGE, workspace, pickle.loads(pickle.dumps(batch)))  # noqa: S301 - our own bytes
    return workspace


def test_every_report_has_sections_and_every_label_of_each_set(tmp_path: Path) -> None:
    texts = {"r1": "Cough.", "r2": "FINDINGS: Small left effusion. No effusion on the right."}
    workspace = mined_workspace(tmp_path, texts)
    assert {row.report_id for row in read_rows(Section, workspace.tables("mine"))} == {"r1", "r2"}
    labels = read_rows(ReportLabel, workspace.tables("mine"))
    assert Counter(row.label_set for row in labels) == {"chexpert": 28, "nih": 30, "vindr": 56}
    mentions = {row.mention_id: row for row in read_rows(Mention, workspace.tables("mine"))}
    key = ("r2", "chexpert", "Pleural Effusion")
    (effusion,) = [row for row in labels if (row.report_id, row.label_set, row.label) == key]
    assert effusion.state == 1
    assert [mentions[mention_id].start for mention_id in effusion.mention_ids] == [texts["r2"].index("effusion")]
    assert prepare(STAGE, workspace).batches == ()


def test_an_empty_report_is_rejected(tmp_path: Path) -> None:
    workspace = mined_workspace(tmp_path, {"r1": " \n"})
    assert [(row.item, row.reason) for row in rejects(workspace, STAGE)] == [("r1", Reason.EMPTY_REPORT)]
