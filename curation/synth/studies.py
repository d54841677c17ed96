"""What is drawn for a patient: studies over time, what each image shows, and what its report says."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from curation.records import Assertion
from curation.synth.anatomy import LUNGS
from curation.synth.identities import Person, Visit, visit
from curation.synth.phantom import FINDINGS, Lesion
from curation.synth.reports import Statement

_RATES = {  # chance in a hundred that a study shows it
    "cardiomegaly": 22,
    "pleural_effusion": 25,
    "pneumothorax": 10,
    "nodule": 25,
    "consolidation": 15,
    "atelectasis": 20,
    "edema": 10,
    "fracture": 10,
    "device": 15,
}
_ALWAYS_SAID = ("cardiomegaly", "pleural_effusion", "pneumothorax", "consolidation")


@dataclass(frozen=True)
class StudyPlan:
    """One study before it is made; ``exam`` is CT, PA (with a lateral) or AP."""

    name: str
    exam: str
    who: Visit
    statements: tuple[Statement, ...]
    lesions: tuple[Lesion, ...]
    report_id: str


def draw_statements(chance: Random) -> tuple[tuple[Statement, ...], tuple[Lesion, ...]]:
    """What a report says, and what the image shows: an uncertain finding is there half the time, and then faint."""
    statements: list[Statement] = []
    shown: list[Lesion] = []
    for finding in FINDINGS:
        lesion = _draw_lesion(finding, chance)
        dice = chance.randrange(100)
        if dice < _RATES[finding]:
            statements.append(Statement(lesion, Assertion.PRESENT))
            shown.append(lesion)
        elif dice < _RATES[finding] + 6:
            faint = Lesion(finding, lesion.side, lesion.structure, 0.05)
            statements.append(Statement(faint, Assertion.UNCERTAIN))
            shown += [faint] if dice % 2 else []
        elif finding in _ALWAYS_SAID or dice > 75:
            statements.append(Statement(lesion, Assertion.ABSENT))
    return tuple(statements), tuple(shown)


def _draw_lesion(finding: str, chance: Random) -> Lesion:
    side = chance.choice(("left", "right"))
    size = chance.randint(10, 95) / 100
    if finding in ("nodule", "consolidation"):
        lobe = chance.choice(LUNGS)
        return Lesion(finding, lobe.rsplit("_", 1)[1], lobe, size)
    if finding == "fracture":
        return Lesion(finding, side, f"rib_{side}_{chance.randint(4, 8)}", size)
    return Lesion(finding, side if finding in ("pleural_effusion", "pneumothorax", "atelectasis") else "", "", size)


def draw_studies(patient: Person, seed: int, number: int) -> list[StudyPlan]:
    """One to four studies of patient ``number`` in the order of their dates; the first is a CT."""
    chance = Random(f"paxflow studies {seed} {number}")
    day = date(2008, 1, 1) + timedelta(days=chance.randrange(2500))
    plans = []
    for study in range(chance.randint(1, 4)):
        exam = "CT" if study == 0 else chance.choice(("CT", "PA", "PA", "PA", "AP", "AP"))
        name = f"{seed}-{number}-{study}"
        who = visit(f"cohort {name}", patient, day)
        statements, lesions = draw_statements(chance)
        plans.append(StudyPlan(name, exam, who, statements, lesions, f"RPT-{seed}-{number:06d}-{study}"))
        day += timedelta(days=chance.randint(1, 300))
    return plans
