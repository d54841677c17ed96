"""Reports that say what was planted: present, absent or uncertain, in the words radiologists use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from curation.records import Assertion
from curation.synth.identities import ISSUER, Planted, Visit, digits, numeric, opening, signature
from curation.synth.phantom import Lesion

CHEXPERT = {  # the CheXpert label that a planted finding counts for
    "cardiomegaly": "Cardiomegaly",
    "pleural_effusion": "Pleural Effusion",
    "pneumothorax": "Pneumothorax",
    "nodule": "Lung Lesion",
    "consolidation": "Consolidation",
    "atelectasis": "Atelectasis",
    "edema": "Edema",
    "fracture": "Fracture",
    "device": "Support Devices",
}
_STATES = {Assertion.PRESENT: 1, Assertion.ABSENT: 0, Assertion.UNCERTAIN: -1}
_SEVERITY = ("small", "moderate", "large")
_PRESENT = {
    "cardiomegaly": ("The heart is enlarged.", "Cardiomegaly is present.", "There is {degree} cardiomegaly."),
    "pleural_effusion": ("There is a {size} {side} pleural effusion.", "{Side} pleural effusion, {size}."),
    "pneumothorax": ("There is a {size} {side} apical pneumothorax.", "{Side} pneumothorax is seen."),
    "nodule": ("There is a {mm} mm nodule in the {place}.", "A nodule of {mm} mm is noted in the {place}."),
    "consolidation": ("There is consolidation in the {place}.", "{Place} consolidation is present."),
    "atelectasis": ("There is {side} basilar atelectasis.", "Plate-like atelectasis at the {side} base."),
    "edema": ("There is {degree} pulmonary edema.", "Findings consistent with pulmonary edema."),
    "fracture": ("There is a fracture of the {place}.", "Fracture of the {place} is seen."),
    "device": ("A left chest pacemaker is in place.", "Left-sided pacemaker with its lead in the right ventricle."),
}
_ABSENT = {
    "cardiomegaly": ("The heart size is normal.", "No cardiomegaly.", "Heart size is within normal limits."),
    "pleural_effusion": ("No pleural effusion.", "There is no evidence of pleural effusion."),
    "pneumothorax": ("No pneumothorax.", "No pneumothorax is identified."),
    "nodule": ("No suspicious pulmonary nodule.", "No pulmonary nodules are seen."),
    "consolidation": ("No focal consolidation.", "The lungs are clear of consolidation."),
    "atelectasis": ("No atelectasis.", "No evidence of atelectasis."),
    "edema": ("No pulmonary edema.", "There is no edema."),
    "fracture": ("No acute fracture.", "No displaced rib fracture is seen."),
    "device": ("No support devices.", "No lines or tubes."),
}
_UNCERTAIN = {
    "cardiomegaly": ("Possible mild cardiomegaly.", "Borderline cardiomegaly cannot be excluded."),
    "pleural_effusion": ("Possible {size} {side} pleural effusion.", "A {side} pleural effusion cannot be excluded."),
    "pneumothorax": ("Questionable {side} apical pneumothorax.", "A {size} {side} pneumothorax cannot be ruled out."),
    "nodule": ("Possible nodule in the {place}.", "A nodular opacity in the {place} may represent a nodule."),
    "consolidation": ("Possible consolidation in the {place}.", "Findings may represent {place} consolidation."),
    "atelectasis": ("Possible {side} basilar atelectasis.", "Opacity at the {side} base may represent atelectasis."),
    "edema": ("Possible {degree} pulmonary edema.", "Early pulmonary edema cannot be excluded."),
    "fracture": ("Possible fracture of the {place}.", "A fracture of the {place} is not excluded."),
    "device": ("Possible retained lead.", "Questionable lead fragment."),
}
_WORDING: dict[Assertion, Mapping[str, tuple[str, ...]]] = {
    Assertion.PRESENT: _PRESENT,
    Assertion.ABSENT: _ABSENT,
    Assertion.UNCERTAIN: _UNCERTAIN,
}
_EXAM = {
    "CT": ("CT chest with contrast.", "Axial images of the chest after intravenous contrast."),
    "PA": ("Chest radiograph, PA and lateral.", "Upright PA and lateral views."),
    "AP": ("Portable chest radiograph, AP.", "Single portable AP view."),
}
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_COMPLAINTS = ("Shortness of breath.", "Chest pain.", "Cough and fever.", "Follow-up.", "Preoperative evaluation.")


@dataclass(frozen=True)
class Statement:
    """What a report says of a finding; ``lesion`` gives side, place and size."""

    lesion: Lesion
    assertion: Assertion

    def sentence(self, chance: Random) -> str:
        """One sentence that says so."""
        lesion = self.lesion
        place = spoken(lesion.structure)
        words = {
            "side": lesion.side,
            "Side": lesion.side.capitalize(),
            "size": _SEVERITY[min(2, int(lesion.size * 3))],
            "degree": ("mild", "moderate", "severe")[min(2, int(lesion.size * 3))],
            "mm": str(round(2 * (7 + 8 * lesion.size))),
            "place": place,
            "Place": place.capitalize(),
        }
        return chance.choice(_WORDING[self.assertion][lesion.finding]).format(**words)


def spoken(structure: str) -> str:
    """``lung_upper_lobe_left`` as left upper lobe, ``rib_left_6`` as left sixth rib."""
    words = structure.split("_")
    if words[0] == "lung":
        return f"{words[3]} {words[1]} lobe"
    if words[0] == "rib":
        return f"{words[1]} {_ORDINALS.split()[int(words[2]) - 1]} rib"
    return structure.replace("_", " ")


def write_report(exam: str, statements: Sequence[Statement], who: Visit, report_id: str, planted: Planted) -> str:
    """A plain-text report: identity lines, then sections. ``exam`` is CT, PA or AP."""
    chance = Random(f"paxflow words {report_id}")
    title, technique = _EXAM[exam]
    found = [s for s in statements if s.assertion is not Assertion.ABSENT]
    findings = " ".join(s.sentence(chance) for s in statements)
    verdict = " ".join(s.sentence(chance) for s in found) or "No acute cardiopulmonary abnormality."
    planted.add("original_report_id", report_id)
    return f"""{_identity_lines(who, report_id, planted)}

EXAM: {title}

INDICATION: {opening(who, planted)} {chance.choice(_COMPLAINTS)}

COMPARISON: {chance.choice(("None.", "Prior outside study.", "None available."))}

TECHNIQUE: {technique}

FINDINGS: {findings}

IMPRESSION: {verdict}
{signature(who, planted)}
"""


def _identity_lines(who: Visit, report_id: str, planted: Planted) -> str:
    patient = who.patient
    planted.add("birth_date", numeric(patient.birth))
    planted.add("birth_date_digits", digits(patient.birth))
    return f"""PATIENT NAME: {patient.last.upper()}, {patient.first.upper()}
MRN: {patient.patient_id}
ISSUER: {ISSUER}
DOB: {numeric(patient.birth)}
ACCESSION: {who.accession}
STUDY DATE: {numeric(who.moment.date())}
REPORT ID: {report_id}
REFERRING: Dr. {who.referring.full_name}"""


def labels_of(statements: Sequence[Statement]) -> dict[str, int]:
    """CheXpert labels that the statements amount to: 1, 0, -1; labels that are not mentioned are left out.

    No Finding is 1 where nothing but devices is present or uncertain, as CheXpert's labeller has it.
    """
    labels = {CHEXPERT[s.lesion.finding]: _STATES[s.assertion] for s in statements}
    if not any(state for label, state in labels.items() if label != "Support Devices"):
        labels["No Finding"] = 1
    return labels
