"""The synthetic cohort: what it promises about anatomy, geometry, identity, truth and repeatability."""

import gzip
import hashlib
import json
import time
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from curation.deid.texts.many import entries
from curation.deid.texts.reports import ReportOriginal
from curation.records import Assertion
from curation.synth import MISHAPS, generate
from curation.synth.anatomy import LUNGS, RIBS, STRUCTURES, VERTEBRAE, value_of
from curation.synth.identities import INSTITUTIONS, ISSUER, MIN_LENGTH, Planted, opening, person, signature
from curation.synth.instances import labelmap, project
from curation.synth.phantom import FINDINGS, Lesion, Phantom, phantom
from curation.synth.reports import Statement, labels_of, write_report
from tests.builders import body, ct_files, planted_in, somebody, truth_of, vault_with

BODY = body(1)
HEALTHY = phantom(BODY)


def center(made: Phantom, structure: str) -> NDArray[np.float64]:
    """Mean position (x, y, z) of a structure, LPS in mm."""
    index = np.argwhere(made.labels == value_of(structure)).mean(axis=0)
    offset: NDArray[np.float64] = (index * made.grid.spacing_zyx_mm)[::-1]
    return offset + made.grid.origin_xyz_mm


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault of ten patients with every mishap."""
    return vault_with(tmp_path_factory.mktemp("ten"), patients=10, mishaps=True)


# --- anatomy ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_every_structure_is_there_but_what_the_scan_may_cut_off(seed: int) -> None:
    made = phantom(body(seed))
    assert set(STRUCTURES) - set(made.voxels) <= {"vertebrae_C7", "vertebrae_L2", "thyroid_gland"}
    assert min(made.voxels[name] for name in (*LUNGS, *RIBS, *VERTEBRAE[1:-1])) >= 8
    assert made.labels.max() <= len(STRUCTURES)


@pytest.mark.parametrize("seed", range(4))
def test_left_is_plus_x_back_is_plus_y_head_is_plus_z(seed: int) -> None:
    made = phantom(body(seed))
    at = {structure: center(made, structure) for structure in made.voxels}
    assert at["spleen"][0] > 40 and at["stomach"][0] > 20 and at["liver"][0] < -20
    assert all(at[name][0] > 0 for name in at if name.endswith("_left") or "_left_" in name)
    assert all(at[name][0] < 0 for name in at if name.endswith("_right") or "_right_" in name)
    assert at["sternum"][1] < at["heart"][1] < at["vertebrae_T6"][1]
    heights = [at[name][2] for name in VERTEBRAE if name in at]
    assert heights == sorted(heights, reverse=True)
    assert at["lung_upper_lobe_left"][2] > at["lung_lower_lobe_left"][2] > at["liver"][2]


def test_the_heart_points_to_the_left() -> None:
    x = np.argwhere(HEALTHY.labels == value_of("heart"))[:, 2]
    middle = (HEALTHY.grid.shape_zyx[2] - 1) / 2
    assert (x > middle).mean() > 0.6


def test_hounsfield_units_are_those_of_lung_and_bone_and_contrast() -> None:
    typical = {name: float(np.median(HEALTHY.hu[HEALTHY.labels == value_of(name)])) for name in STRUCTURES}
    assert -920 < typical["lung_upper_lobe_left"] < -780
    assert typical["rib_left_5"] > 250
    assert typical["aorta"] > typical["liver"] > typical["esophagus"]
    assert typical["trachea"] < -900
    assert HEALTHY.hu.min() >= -1100


@pytest.mark.parametrize(("size", "low", "high"), [(0.0, 0.52, 0.58), (1.0, 0.6, 0.68)])
def test_cardiomegaly_widens_the_heart(size: float, low: float, high: float) -> None:
    enlarged = phantom(BODY, [Lesion("cardiomegaly", size=size)])
    assert HEALTHY.cardiothoracic_ratio < 0.5
    assert low < enlarged.cardiothoracic_ratio < high


def test_the_ratio_is_that_of_the_frontal_shadows() -> None:
    heart = (HEALTHY.labels == value_of("heart")).any(axis=1).any(axis=0)
    lung = np.isin(HEALTHY.labels, [value_of(name) for name in LUNGS]).any(axis=1).any(axis=0)
    widths = [int(np.flatnonzero(mask)[-1] - np.flatnonzero(mask)[0] + 1) for mask in (heart, lung)]
    assert pytest.approx(widths[0] / widths[1], abs=1e-4) == HEALTHY.cardiothoracic_ratio


@pytest.mark.parametrize("structure", LUNGS)
def test_a_nodule_is_a_sphere_where_the_truth_says(structure: str) -> None:
    made = phantom(BODY, [Lesion("nodule", "", structure, 0.5)])
    (nodule,) = made.nodules
    index = (np.array(nodule.center_xyz_mm) - np.array(made.grid.origin_xyz_mm))[::-1] / made.grid.spacing_zyx_mm
    at = tuple(np.rint(index).astype(int))
    assert made.hu[at] == 45
    assert made.labels[at] == value_of(structure)
    changed_ml = (made.hu != HEALTHY.hu).sum() * np.prod(made.grid.spacing_zyx_mm)
    assert changed_ml == pytest.approx(4 / 3 * np.pi * nodule.radius_mm**3, rel=0.15)


@pytest.mark.parametrize(("finding", "darker"), [("pleural_effusion", False), ("pneumothorax", True)])
@pytest.mark.parametrize("side", ["left", "right"])
def test_fluid_and_free_air_take_lung_away_on_their_side(finding: str, darker: bool, side: str) -> None:
    made = phantom(BODY, [Lesion(finding, side, size=0.1)])
    gone = np.argwhere((HEALTHY.labels != 0) & (made.labels == 0))
    middle = (made.grid.shape_zyx[2] - 1) / 2
    assert len(gone) > 30
    assert ((gone[:, 2] > middle) == (side == "left")).all()
    assert (made.hu[tuple(gone.T)] < -950).all() == darker


@pytest.mark.parametrize("finding", sorted(set(FINDINGS) - {"cardiomegaly"}))
def test_every_finding_changes_the_image(finding: str) -> None:
    structure = "rib_left_6" if finding == "fracture" else "lung_lower_lobe_left"
    made = phantom(BODY, [Lesion(finding, "left", structure, 0.5)])
    assert (made.hu != HEALTHY.hu).sum() > 5


# --- files -----------------------------------------------------------------------------------------------


def test_slices_make_the_volume_in_hounsfield_units() -> None:
    slices = sorted((pydicom.dcmread(BytesIO(data)) for data in ct_files()), key=lambda s: s.ImagePositionPatient[2])
    heights = [float(s.ImagePositionPatient[2]) for s in slices]
    assert np.diff(heights) == pytest.approx(18.0)
    assert [int(s.InstanceNumber) for s in slices] == list(range(16, 0, -1))
    assert len({s.SOPInstanceUID for s in slices}) == 16
    assert all(s.SOPInstanceUID == s.file_meta.MediaStorageSOPInstanceUID for s in slices)
    assert all(s.SliceLocation == s.ImagePositionPatient[2] for s in slices)
    volume = np.stack([s.pixel_array for s in slices]) + int(slices[0].RescaleIntercept)
    assert volume[8, 12, 12] != volume[8, 0, 0]
    assert volume[:, 0, 0].max() < -900


def test_a_spliced_slice_is_the_slice_that_pydicom_writes() -> None:
    for data in ct_files()[::5]:
        buffer = BytesIO()
        pydicom.dcmread(BytesIO(data)).save_as(buffer, enforce_file_format=True)
        assert buffer.getvalue() == data


def test_the_labelmap_lies_on_the_voxels_of_the_ct() -> None:
    image = nib.Nifti1Image.from_bytes(gzip.decompress(labelmap(HEALTHY)))
    assert np.sign(np.diag(image.affine)).tolist() == [-1, 1, 1, 1]  # left, anterior, superior
    for z, y, x in [(10, 20, 30), (40, 60, 50)]:
        ras = image.affine @ [x, HEALTHY.grid.shape_zyx[1] - 1 - y, z, 1]
        lps = np.array(HEALTHY.grid.origin_xyz_mm) + np.array([x, y, z]) * HEALTHY.grid.spacing_zyx_mm[::-1]
        assert ras[:3] * [-1, -1, 1] == pytest.approx(lps)
        assert np.asarray(image.dataobj)[x, HEALTHY.grid.shape_zyx[1] - 1 - y, z] == HEALTHY.labels[z, y, x]


def test_a_radiograph_has_the_head_up_and_the_heart_on_the_right_half_of_the_image() -> None:
    front = project(HEALTHY, "PA").astype(int)
    beside_spine = slice(110, 150)
    left_of_image, right_of_image = front[beside_spine, 90:115].mean(), front[beside_spine, 141:166].mean()
    assert right_of_image > left_of_image
    assert front[180:200, 60:200].mean() > front[80:100, 60:200].mean()  # belly below, lungs above


def test_lateral_view_has_the_spine_on_the_right() -> None:
    side = project(HEALTHY, "LAT").astype(int)
    assert side[100:140, 165:185].mean() > side[100:140, 60:80].mean()


# --- identities and words --------------------------------------------------------------------------------


def test_what_a_sentence_gives_away_is_noted() -> None:
    for number in range(30):
        planted, who = Planted(), somebody(f"n{number}")
        text = opening(who, planted) + signature(who, planted)
        values = {value for _, value in planted.values}
        for word in (who.patient.last, who.patient.patient_id, who.referring.last, who.signer.phone, who.accession):
            assert word not in text or word in values
        assert any(value in text for value in values)


def test_planted_values_are_long_enough_to_search_for(ten: Path) -> None:
    pairs = planted_in(ten)
    assert pairs == sorted(set(pairs))
    assert min(len(value) for _, value in pairs) >= MIN_LENGTH
    assert {"patient_name", "patient_id", "accession", "birth_date", "physician", "institution", "phone", "address"} < {
        kind for kind, _ in pairs
    }


def test_a_person_depends_on_the_seed_alone() -> None:
    assert person("a") == person("a") != person("b")
    assert person("a", "F").sex == "F"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("assertion", list(Assertion))
def test_reports_state_findings_without_open_placeholders(finding: str, assertion: Assertion) -> None:
    structure = "rib_left_6" if finding == "fracture" else "lung_upper_lobe_right"
    for number in range(4):
        statement = Statement(Lesion(finding, "left", structure, number / 4), assertion)
        text = write_report("PA", [statement], somebody(), f"r{number}", Planted())
        assert "{" not in text
        assert "FINDINGS: " in text
        assert "  " not in text


def test_labels_follow_chexpert() -> None:
    absent = Statement(Lesion("edema"), Assertion.ABSENT)
    device = Statement(Lesion("device"), Assertion.PRESENT)
    unsure = Statement(Lesion("nodule"), Assertion.UNCERTAIN)
    assert labels_of([absent, device]) == {"Edema": 0, "Support Devices": 1, "No Finding": 1}
    assert labels_of([unsure]) == {"Lung Lesion": -1}


# --- the cohort ------------------------------------------------------------------------------------------


def test_two_patients_are_made_quickly_and_do_not_depend_on_how_many_there_are(ten: Path, tmp_path: Path) -> None:
    start = time.monotonic()
    few = vault_with(tmp_path, patients=2, mishaps=True)
    assert time.monotonic() - start < 10  # well under 3 s where the machine is free
    many = contents(ten / "landing")
    assert contents(few / "landing").items() <= many.items()
    assert truth_of(few) == truth_of(ten)[: len(truth_of(few))]


def test_every_institution_sees_patients_and_each_file_names_its_own(ten: Path) -> None:
    institution_of = {row["original_patient_id"]: row["original_institution"] for row in truth_of(ten)}
    assert set(institution_of.values()) == set(INSTITUTIONS)
    assert set(INSTITUTIONS) <= {value for kind, value in planted_in(ten) if kind == "institution"}
    for path in (ten / "landing").rglob("0001.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        assert header.InstitutionName == institution_of[header.PatientID]
    for path in (ten / "landing").rglob("*.hl7"):
        assert any(f"|{name}|" in path.read_text() for name in institution_of.values())


def test_another_seed_is_another_cohort(tmp_path: Path) -> None:
    generate(tmp_path / "a", 1, 5)
    generate(tmp_path / "b", 1, 6)
    assert not set(contents(tmp_path / "a/landing")) & set(contents(tmp_path / "b/landing"))


def test_ten_patients_meet_every_mishap(ten: Path) -> None:
    assert [row["mishap"] for row in truth_of(ten) if row["mishap"]] == list(MISHAPS)
    landing = ten / "landing"
    files = contents(landing)
    hashes = list(files.values())
    assert len(hashes) > len({h for path, h in files.items() if not path.endswith("structures.csv")})
    assert any(path.stat().st_size == 0 for path in landing.rglob("*.dcm"))
    assert list(landing.rglob("Thumbs.db"))
    truths = {row["mishap"]: row for row in truth_of(ten)}
    assert not (landing / f"reports/{truths['study_without_report']['original_accession']}.txt").exists()
    accessions = {row["original_accession"] for row in truth_of(ten)}
    assert {path.stem for path in landing.glob("reports/*.txt")} - accessions
    missing = truths["missing_slice"]["original_accession"]
    numbers = sorted(int(path.stem) for path in landing.glob(f"dicom/*/{missing}/ct/*.dcm"))
    assert np.diff(numbers).max() == 2


def test_addenda_come_as_messages_tables_and_structured_reports_of_their_studies(ten: Path) -> None:
    landing = ten / "landing"
    paths = sorted(landing.rglob("addendum.*"))
    assert [path.suffix for path in paths] == [(".hl7", ".csv", ".dcm")[n % 3] for n in range(10) if n != 7]
    truths = {(row["original_patient_id"], row["original_accession"]): row for row in truth_of(ten)}
    for path in paths:
        if path.suffix == ".dcm":
            document = pydicom.dcmread(path)
            row = truths[document.PatientID, document.AccessionNumber]
            assert row["original_study_uid"] == document.StudyInstanceUID
            continue
        (entry,) = entries(path)
        assert isinstance(entry.read, ReportOriginal)
        row = truths[entry.read.patient_id.removeprefix(f"{ISSUER}/"), entry.read.accession]
        assert entry.read.report_id == f"{row['original_report_id']}-A"


def test_without_mishaps_every_study_has_its_report_and_every_ct_its_labelmap(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, patients=3)
    rows = truth_of(vault)
    assert {path.stem for path in (vault / "landing/reports").iterdir()} == {row["original_accession"] for row in rows}
    sidecars = [json.loads(path.read_text()) for path in vault.rglob("*.labelmap.json")]
    assert len(sidecars) == sum(row["exam"] == "CT" for row in rows)
    assert not any(row["mishap"] for row in rows)
