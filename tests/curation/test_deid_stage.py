import csv
import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from curation import ingest, stage
from curation.deid import cleaner, safe_xml
from curation.deid.dicom.opened import File
from curation.deid.keys.crosswalk import lookup
from curation.deid.keys.identity import Identity
from curation.deid.keys.key import DEMO_KEY, key_path, make_key, read_key
from curation.deid.lidc import read_lidc
from curation.deid.nifti import clean_labelmap, header_of, read_sidecar, read_structures
from curation.deid.pixels import Area, CleanPixels, Decided, Doubt, Image
from curation.deid.review import Review
from curation.deid.stage import STAGE
from curation.errors import Rejected, VaultError
from curation.records import (
    Annotation,
    AnnotationRating,
    Instance,
    Labelmap,
    LabelmapStructure,
    Reason,
    Record,
    Replacement,
    Report,
    ReportTag,
)
from curation.store import read_member, read_rows
from curation.workspace import Workspace
from tests.builders import changed, ct_files, ct_slice, keyed_workspace, put, radiograph_file, report_text, torn

WHO = Identity(bytes(range(7, 39)), 3650, 90)
OPENI = """<eCitation><Patient name="QUELBRAND^MIREL" id="77" accession="A-99" studyDate="20120304"/><uId id="CXR7"/>
<AbstractText Label="FINDINGS">Mirel Quelbrand: clear.</AbstractText><MeSH><major>normal</major></MeSH></eCitation>"""
READING = """<LidcReadMessage uid="1.2.3.4.5.6.7.8.9.10" xmlns="http://www.nih.gov">
<ResponseHeader><SeriesInstanceUid>1.2.3.4</SeriesInstanceUid></ResponseHeader>
<readingSession><servicingRadiologistID>anonymous</servicingRadiologistID>
<unblindedReadNodule><noduleID>Nodule 001</noduleID><characteristics><malignancy>4</malignancy></characteristics>
<roi><imageSOP_UID>1.2.3.4.1</imageSOP_UID><inclusion>TRUE</inclusion>
<edgeMap><xCoord>10</xCoord><yCoord>20</yCoord></edgeMap><edgeMap><xCoord>11</xCoord><yCoord>20</yCoord></edgeMap>
<edgeMap><xCoord>11</xCoord><yCoord>21</yCoord></edgeMap></roi>
<roi><imageSOP_UID>1.2.3.4.2</imageSOP_UID><inclusion>FALSE</inclusion>
<edgeMap><xCoord>10</xCoord><yCoord>20</yCoord></edgeMap></roi></unblindedReadNodule></readingSession>
<readingSession><servicingRadiologistID>anonymous</servicingRadiologistID>
<unblindedReadNodule><noduleID>Nodule 001</noduleID><roi><imageSOP_UID>1.2.3.4.1</imageSOP_UID>
<edgeMap><xCoord>9</xCoord><yCoord>19</yCoord></edgeMap></roi></unblindedReadNodule>
<nonNodule><nonNoduleID>x</nonNoduleID><imageSOP_UID>1.2.3.4.1</imageSOP_UID>
<locus><xCoord>1</xCoord><yCoord>2</yCoord></locus></nonNodule></readingSession></LidcReadMessage>"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return keyed_workspace(tmp_path, monkeypatch)


def labelmap(values: Any, **header: Any) -> bytes:
    image = nib.Nifti1Image(np.asarray(values), np.diag([-1.0, -2.0, 3.0, 1.0]))  # type: ignore[no-untyped-call]
    for name, value in header.items():
        image.header[name] = value
    return gzip.compress(image.to_bytes())


def structures(*rows: tuple[int, str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("group", "original_idx", "structure", "id"), *[("g", 9, n, v) for v, n in rows]])
    return buffer.getvalue()


def put_labelmap(workspace: Workspace, folder: str, series: str = "1.2.3.4", name: str = "a") -> None:
    sidecar = {
        "series_instance_uid": series,
        "labelmap": f"{name}.nii.gz",
        "structures": f"{name}.csv",
        "engine": "Made up",
    }
    put(workspace, f"{folder}/{name}.labelmap.json", json.dumps(sidecar))
    put(workspace, f"{folder}/{name}.nii.gz", labelmap(np.arange(24, dtype=np.uint8).reshape(2, 3, 4) % 3))
    put(workspace, f"{folder}/{name}.csv", structures((1, "heart"), (2, "aorta")))


def take_in(workspace: Workspace) -> None:
    for batch in stage.prepare(ingest.STAGE, workspace).batches:
        stage.run_batch(ingest.STAGE, workspace, batch)


def run(workspace: Workspace, again: bool = True) -> tuple[int, dict[str, Reason]]:
    """Number of items that were done, and the rejects."""
    if again:
        take_in(workspace)
    todo = stage.prepare(STAGE, workspace)
    for batch in todo.batches:
        stage.run_batch(STAGE, workspace, batch)
    refused = [*stage.rejects(workspace, ingest.STAGE), *stage.rejects(workspace, STAGE)]
    return sum(map(len, todo.batches)), {row.item.split("@")[0]: row.reason for row in refused}


def rows(workspace: Workspace, record: type[Record]) -> list[Any]:
    return list(read_rows(record, workspace.tables("deid")))


def test_each_kind_of_source_becomes_clean_rows_under_joining_pseudonyms(workspace: Workspace) -> None:
    put(workspace, "x/1.dcm", ct_slice())
    put(workspace, "r/local.txt", report_text())
    put(workspace, "r/openi.xml", OPENI)
    put(workspace, "a/reading.xml", READING)
    put_labelmap(workspace, "l")
    assert run(workspace) == (5, {})
    instance, local, openi = (
        rows(workspace, Instance)[0],
        *sorted(rows(workspace, Report), key=lambda row: row.collection),
    )
    assert local.accession_id == instance.accession_id and local.patient_id == instance.patient_id
    assert (
        openi.text == "FINDINGS: [PATIENT]: clear." and openi.accession_id == "" and openi.licence == "CC-BY-NC-ND-4.0"
    )
    assert [(tag.report_id, tag.scheme, tag.tag) for tag in rows(workspace, ReportTag)] == [
        (openi.report_id, "MeSH", "normal")
    ]
    made, annotation = rows(workspace, Labelmap)[0], rows(workspace, Annotation)[0]
    assert made.series_id == annotation.series_id and made.series_id.startswith("2.25.")
    assert [(row.value, row.structure) for row in rows(workspace, LabelmapStructure)] == [(1, "heart"), (2, "aorta")]
    data = read_member(workspace.tables("deid"), instance.shard, instance.offset, instance.length)
    assert data[128:132] == b"DICM"


def test_each_file_is_of_its_institution_under_a_pseudonym(workspace: Workspace) -> None:
    for number, name in enumerate(["Zumebo Clinic", "ZUMEBO  clinic", "Quellstad Hospital", None], start=1):
        put(workspace, f"x/{number}.dcm", ct_slice(number, InstitutionName=name))
    assert run(workspace) == (4, {})
    sites = sorted(row.site_id for row in rows(workspace, Instance))
    assert sites[0] == "" and len(set(sites)) == 3 and all(len(site) == 17 for site in sites[1:])
    assert not any(b"zumebo" in path.read_bytes().lower() for path in workspace.root.rglob("*") if path.is_file())


def test_dates_of_report_and_images_move_together(workspace: Workspace) -> None:
    put(workspace, "x/1.dcm", ct_slice(StudyDate="20120304"))
    put(workspace, "r/local.txt", report_text())
    run(workspace)
    instance, report = rows(workspace, Instance)[0], rows(workspace, Report)[0]
    data = read_member(workspace.tables("deid"), instance.shard, instance.offset, instance.length)
    assert f"{report.report_date:%Y%m%d}".encode() in data


def test_nothing_is_done_twice_and_another_key_does_everything_again(workspace: Workspace) -> None:
    put(workspace, "1.dcm", ct_slice())
    put(workspace, "r.txt", report_text())
    assert run(workspace)[0] == 2
    before = rows(workspace, Instance)[0]
    assert run(workspace)[0] == 0
    key_path(workspace.vault).unlink()
    make_key(key_path(workspace.vault))
    assert run(workspace)[0] == 2
    assert rows(workspace, Instance)[0].patient_id != before.patient_id


def test_copies_are_rejected_and_never_disturb_what_was_accepted(workspace: Workspace) -> None:
    put(workspace, "m.dcm", ct_slice())
    assert run(workspace) == (1, {})
    accepted = rows(workspace, Instance)
    put(workspace, "a.dcm", ct_slice())
    put(workspace, "b.dcm", changed(ct_slice(), SeriesNumber="9"))
    assert run(workspace) == (2, {"a.dcm": Reason.DUPLICATE_BYTES, "b.dcm": Reason.DUPLICATE_UID})
    assert rows(workspace, Instance) == accepted
    assert run(workspace)[0] == 0


def test_of_copies_that_come_together_the_smallest_path_wins(workspace: Workspace) -> None:
    put(workspace, "b.dcm", ct_slice())
    put(workspace, "a.dcm", ct_slice())
    assert run(workspace) == (2, {"b.dcm": Reason.DUPLICATE_BYTES})


def test_a_whole_transfer_takes_the_place_of_a_torn_one(workspace: Workspace) -> None:
    put(workspace, "a.dcm", torn(ct_slice(), 0.9))
    assert run(workspace)[1] == {"a.dcm": Reason.TRUNCATED}
    put(workspace, "b.dcm", ct_slice())
    assert run(workspace)[1] == {"a.dcm": Reason.TRUNCATED}
    assert len(rows(workspace, Instance)) == 1
    assert run(workspace)[0] == 0


def test_a_torn_and_a_whole_transfer_that_come_together_are_told_apart(workspace: Workspace) -> None:
    put(workspace, "a.dcm", torn(ct_slice(), 0.9))
    put(workspace, "b.dcm", ct_slice())
    assert run(workspace)[1] == {"a.dcm": Reason.TRUNCATED}
    assert len(rows(workspace, Instance)) == 1


def test_clearing_one_file_and_touching_its_neighbour_loses_nothing(workspace: Workspace) -> None:
    first, second = put(workspace, "1.dcm", ct_slice(1)), put(workspace, "2.dcm", ct_slice(2))
    run(workspace)
    held = rows(workspace, Instance)
    first.unlink()
    os.utime(second, ns=(1, 1))
    run(workspace)
    assert rows(workspace, Instance) == held
    second.unlink()
    assert run(workspace)[0] == 0
    assert rows(workspace, Instance) == held


def test_a_file_that_was_gone_when_its_turn_came_is_taken_when_it_is_back(workspace: Workspace) -> None:
    path = put(workspace, "1.dcm", ct_slice(1))
    put(workspace, "2.dcm", ct_slice(2))
    take_in(workspace)
    path.unlink()
    assert run(workspace, again=False)[1] == {"1.dcm": Reason.SOURCE_GONE}
    put(workspace, "1.dcm", ct_slice(1))
    run(workspace)
    assert len(rows(workspace, Instance)) == 2
    assert run(workspace)[0] == 0


def test_a_source_that_has_gone_or_changed_is_a_reject_and_a_done_one_stays(workspace: Workspace) -> None:
    first = put(workspace, "1.dcm", ct_slice(1))
    run(workspace)
    gone, other = put(workspace, "2.dcm", ct_slice(2)), put(workspace, "3.dcm", ct_slice(3))
    take_in(workspace)
    first.unlink()
    gone.unlink()
    other.write_bytes(ct_slice(4))
    assert run(workspace, again=False)[1] == {"2.dcm": Reason.SOURCE_GONE, "3.dcm": Reason.SOURCE_GONE}
    assert len(rows(workspace, Instance)) == 1


def test_a_labelmap_waits_for_its_parts_and_ignores_its_neighbours(workspace: Workspace) -> None:
    put_labelmap(workspace, "l")
    hidden = (workspace.landing / "l/a.csv").read_bytes()
    (workspace.landing / "l/a.csv").unlink()
    assert run(workspace)[1] == {"l/a.labelmap.json": Reason.SOURCE_GONE}
    put(workspace, "l/a.csv", hidden)
    assert run(workspace)[0] == 1
    put_labelmap(workspace, "l", "1.2.3.5", "b")
    assert run(workspace)[0] == 1
    assert len(rows(workspace, Labelmap)) == 2


@pytest.mark.parametrize("name", ["lungs", "trachea"])
def test_of_the_contents_that_a_part_has_had_the_one_that_lies_there_counts(workspace: Workspace, name: str) -> None:
    put_labelmap(workspace, "l")
    run(workspace)
    before = {row.labelmap_id: row.structure for row in rows(workspace, LabelmapStructure) if row.value == 1}
    put(workspace, "l/a.csv", structures((1, name), (2, "aorta")))
    assert run(workspace) == (1, {})
    after = {row.labelmap_id: row.structure for row in rows(workspace, LabelmapStructure) if row.value == 1}
    assert list(before.values()) == ["heart"] and name in after.values()
    put(workspace, "l/a.csv", structures((1, "heart"), (2, "aorta")))
    run(workspace)
    assert "heart" in [row.structure for row in rows(workspace, LabelmapStructure)]
    (workspace.landing / "l/a.csv").unlink()
    assert run(workspace)[0] == 0


def test_without_a_key_or_with_the_demo_key_on_other_data_nothing_starts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(workspace, "1.dcm", ct_slice())
    take_in(workspace)
    monkeypatch.setenv("PAXFLOW_KEY", DEMO_KEY.hex())
    with pytest.raises(VaultError, match="demo key"):
        stage.prepare(STAGE, workspace)


def test_a_key_that_changes_between_plan_and_work_stops_the_run(workspace: Workspace) -> None:
    put(workspace, "1.dcm", ct_slice())
    take_in(workspace)
    (batch,) = stage.prepare(STAGE, workspace).batches
    key_path(workspace.vault).unlink()
    make_key(key_path(workspace.vault))
    with pytest.raises(VaultError, match="changed"):
        stage.run_batch(STAGE, workspace, batch)


@pytest.mark.parametrize("without", ["MRN", "ACCESSION"])
def test_a_report_needs_a_patient_and_may_lack_an_accession(workspace: Workspace, without: str) -> None:
    put(workspace, "r.txt", report_text(without=without))
    expected = {"r.txt": Reason.MISSING_IDENTITY} if without == "MRN" else {}
    assert run(workspace)[1] == expected
    assert [row.accession_id for row in rows(workspace, Report)] == ([] if expected else [""])


def test_the_same_files_give_the_same_bytes_in_any_order_of_arrival(workspace: Workspace) -> None:
    for number, data in enumerate(ct_files()[:4]):
        put(workspace, f"{number}.dcm", data)
    run(workspace)
    together = {row.instance_id: row.sha256 for row in rows(workspace, Instance)}
    for part in workspace.tables("deid").rglob("*.*"):
        part.unlink()
    for part in (workspace.vault / "deid").rglob("*.parquet"):
        part.unlink()
    for number in (3, 1, 0, 2):
        for other in range(4):
            (workspace.landing / f"{other}.dcm").unlink(missing_ok=True)
        put(workspace, f"{number}.dcm", ct_files()[number])
        run(workspace)
    assert {row.instance_id: row.sha256 for row in rows(workspace, Instance)} == together


def test_a_source_of_which_nothing_is_left_is_a_reject(workspace: Workspace) -> None:
    empty = OPENI[: OPENI.index("<AbstractText")] + "</eCitation>"
    unmarked = READING[: READING.index("<unblindedReadNodule>")] + "</readingSession></LidcReadMessage>"
    put(workspace, "openi.xml", empty)
    put(workspace, "reading.xml", unmarked)
    assert run(workspace) == (2, {"openi.xml": Reason.EMPTY_REPORT, "reading.xml": Reason.UNSUPPORTED_OBJECT})
    put(workspace, "tagged.xml", empty.replace("</eCitation>", "<MeSH><major>normal</major></MeSH></eCitation>"))
    run(workspace)
    assert [row.tag for row in rows(workspace, ReportTag)] == ["normal"]


# --- pixels, the crosswalk, and what stays in the vault ----------------------------------------------------


def with_settings(workspace: Workspace, **changes: Any) -> Workspace:
    path = workspace.root / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["deid"] |= changes
    path.write_text(yaml.safe_dump(params))
    return Workspace(workspace.root)


def doubtful(image: Image, value: object, areas: object, decided: Decided) -> CleanPixels:
    """Pixels with one place that only a person can judge."""
    doubt = Doubt(Area(0, 1, 2, 3, 4), np.full((4, 3), 7, np.uint8), 0.5)
    doubts = (doubt,) if decided(doubt) is None else ()
    return CleanPixels(None, image.syntax, image.photometric, image.planar, doubts=doubts)


def test_a_doubtful_image_waits_for_a_person_and_is_taken_in_after_the_decision(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaner, "clean_pixels", doubtful)
    put(workspace, "dx.dcm", radiograph_file())
    assert run(workspace)[1] == {"dx.dcm": Reason.PIXELS_IN_DOUBT}
    assert run(workspace)[0] == 0
    review = Review(workspace.vault)
    (case,) = review.waiting()
    assert case.picture.stat().st_mode & 0o077 == 0
    review.decide(case.case_id, "no_text")
    assert run(workspace) == (1, {})
    assert [row.modality for row in rows(workspace, Instance)] == ["DX"] and not Review(workspace.vault).waiting()
    assert run(workspace)[0] == 0


def test_a_doubtful_image_is_refused_where_nobody_decides(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_queue(image: Image, value: object, areas: object, decided: Decided | None) -> CleanPixels:
        assert decided is None
        return doubtful(image, value, areas, lambda _: None)

    monkeypatch.setattr(cleaner, "clean_pixels", no_queue)
    who = cleaner.Cleaner(WHO, frozenset(workspace.settings.deid.options), 0.0)
    with File(put(workspace, "dx.dcm", radiograph_file())) as file, pytest.raises(Rejected) as caught:
        who.clean(file, "dx.dcm")
    assert caught.value.reason is Reason.PIXELS_IN_DOUBT
    assert not list(workspace.vault.rglob("review"))


def test_without_the_pixel_option_no_pixel_is_looked_at(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*_: object, **__: object) -> CleanPixels:
        raise AssertionError("a look at pixels that nobody asked for")

    for name in ("clean_pixels", "Screen"):
        monkeypatch.setattr(cleaner, name, unwanted)
    given = [option for option in workspace.settings.deid.options if option != "clean_pixel_data"]
    put(workspace, "1.dcm", ct_slice())
    put(workspace, "dx.dcm", radiograph_file())
    assert run(with_settings(workspace, options=given, pixel_recheck_share=1.0))[1] == {
        "dx.dcm": Reason.PIXELS_NOT_CHECKED
    }
    assert [row.modality for row in rows(workspace, Instance)] == ["CT"]


def test_text_in_the_pixels_of_a_radiograph_is_gone_from_the_shard(workspace: Workspace) -> None:
    dataset = pydicom.dcmread(io.BytesIO(radiograph_file()))
    mask = Picture.new("L", (dataset.Columns, dataset.Rows), 0)
    ImageDraw.Draw(mask).text((6, 4), "QUELBRAND M", fill=255, font=ImageFont.load_default(size=18))
    pixels = dataset.pixel_array.copy()
    pixels[np.asarray(mask) > 96] = pixels.max()
    dataset.PixelData = pixels.tobytes()
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    put(workspace, "dx.dcm", buffer.getvalue())
    assert run(workspace)[1] == {}
    (row,) = rows(workspace, Instance)
    data = read_member(workspace.tables("deid"), row.shard, row.offset, row.length)
    made = pydicom.dcmread(io.BytesIO(data))
    assert made.BurnedInAnnotation == "NO" and not np.array_equal(made.pixel_array[:26], pixels[:26])
    assert np.array_equal(made.pixel_array[40:], pixels[40:])


def test_what_still_shows_text_does_not_verify(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def shows_text(image: Image, value: object, areas: object, decided: Decided) -> CleanPixels:
        return CleanPixels(None, image.syntax, image.photometric, image.planar, removed=(Area(0, 1, 2, 3, 4),))

    monkeypatch.setattr(cleaner, "clean_pixels", shows_text)
    put(workspace, "dx.dcm", radiograph_file())
    again = with_settings(workspace, pixel_recheck_share=1.0)
    assert run(again)[1] == {"dx.dcm": Reason.NOT_VERIFIED}
    assert run(with_settings(workspace, pixel_recheck_share=0.0))[1] == {}


def test_a_file_that_becomes_shorter_while_it_is_read_is_a_reject(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(workspace, "1.dcm", ct_slice())
    monkeypatch.setattr(File, "read_into", lambda self, buffer, at: 0)
    who = cleaner.Cleaner(WHO, frozenset(workspace.settings.deid.options), 0.0)
    with File(workspace.landing / "1.dcm") as file, pytest.raises(Rejected) as caught:
        list(who.parts(file, who.clean(file)))
    assert caught.value.reason is Reason.SOURCE_GONE


def test_the_crosswalk_is_kept_where_it_is_asked_for(workspace: Workspace) -> None:
    put(workspace, "1.dcm", ct_slice())
    put(workspace, "r.txt", report_text())
    run(workspace)
    assert not (workspace.vault / "crosswalk").exists()
    kept = with_settings(workspace, crosswalk=True)
    run(kept)
    (row,) = rows(kept, Instance)
    key = read_key(kept)
    original = pydicom.dcmread(io.BytesIO(ct_slice()))
    for pseudonym, value in (
        (row.instance_id, original.SOPInstanceUID),
        (row.study_id, original.StudyInstanceUID),
        (rows(kept, Report)[0].report_id, "RPT-BUILDERS-1"),
    ):
        assert [link.original for link in lookup(kept.vault, key, pseudonym)] == [value]


def test_where_a_report_was_changed_stands_in_the_vault_alone(workspace: Workspace) -> None:
    put(workspace, "openi.xml", OPENI)
    run(workspace)
    (row,) = read_rows(Replacement, workspace.control("deid"))
    assert (row.start, row.end, row.kind) == (10, 25, "patient")
    assert not (workspace.tables("deid") / "replacements").exists()


def test_a_report_is_searched_for_whom_the_headers_of_its_patient_name(workspace: Workspace) -> None:
    put(workspace, "1.dcm", ct_slice(OperatorsName="zwinkelmaat^otje"))
    put(workspace, "r.txt", report_text() + "\nPositioned by zwinkelmaat.\n")
    run(workspace)
    assert "zwinkelmaat" not in rows(workspace, Report)[0].text


# --- readings --------------------------------------------------------------------------------------------


def test_a_reading_becomes_outlines_holes_points_and_ratings() -> None:
    made = list(read_lidc(READING.encode(), "sha", WHO))
    marks = [row for row in made if isinstance(row, Annotation)]
    assert [(m.finding, m.shape, m.inclusion, m.points_px) for m in marks] == [
        ("nodule", "polygon", True, (10.0, 20.0, 11.0, 20.0, 11.0, 21.0)),
        ("nodule", "point", False, (10.0, 20.0)),
        ("nodule", "point", True, (9.0, 19.0)),
        ("non_nodule", "point", True, (1.0, 2.0)),
    ]
    assert marks[0].object_id == marks[1].object_id != marks[2].object_id
    assert marks[0].reader_id != marks[2].reader_id == marks[3].reader_id
    assert marks[0].instance_id == WHO.uid("1.2.3.4.1") and marks[0].series_id == WHO.uid("1.2.3.4")
    assert len({mark.annotation_id for mark in marks}) == 4
    assert [row for row in made if isinstance(row, AnnotationRating)] == [
        AnnotationRating(marks[0].object_id, "malignancy", 4)
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("<xCoord>10<", "<xCoord>ten<", Reason.UNREADABLE),
        ("<xCoord>10<", "<xCoord>99999<", Reason.UNREADABLE),
        ("<SeriesInstanceUid>1.2.3.4<", "<SeriesInstanceUid>DOE<", Reason.MISSING_IDENTITY),
        ("<imageSOP_UID>1.2.3.4.1<", "<imageSOP_UID><", Reason.MISSING_IDENTITY),
        ("<edgeMap><xCoord>9</xCoord><yCoord>19</yCoord></edgeMap>", "", Reason.UNREADABLE),
        ("LidcReadMessage", "Other", Reason.UNSUPPORTED_FILE),
    ],
)
def test_a_broken_reading_is_rejected(old: str, new: str, expected: Reason) -> None:
    with pytest.raises(Rejected) as caught:
        list(read_lidc(READING.replace(old, new).encode(), "sha", WHO))
    assert caught.value.reason == expected


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("\ufeff<?xml version='1.0' encoding='UTF-8'?><a>é</a>".encode(), "é"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>".encode("latin-1"), "é"),
        ("<?xml version='1.0' encoding='windows-1252'?><a>€</a>".encode("cp1252"), "€"),
        (b"<a>" + b" " * 93 + b"</a>", ""),
    ],
    ids=["utf_8", "latin_1", "windows", "as_large_as_may_be"],
)
def test_xml_of_a_known_encoding_is_read(data: bytes, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_xml, "MAX_BYTES", 100)
    assert safe_xml.text_of(safe_xml.parse(data)) == text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("<?xml version='1.0' encoding='UTF-16'?><a>é</a>".encode(), Reason.UNSUPPORTED_FILE),
        (b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a><a/>", Reason.UNSUPPORTED_FILE),
        (b"<!DOCTYPE a><a/>", Reason.UNSUPPORTED_FILE),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", Reason.UNSUPPORTED_FILE),
        (b"<a>" + b" " * 94 + b"</a>", Reason.UNSUPPORTED_FILE),
        (b"<a>", Reason.UNREADABLE),
        (b"<a>\xff</a>", Reason.UNREADABLE),
    ],
    ids=["utf_16", "utf_7", "document_type", "entity", "too_large", "torn", "no_utf_8"],
)
def test_other_xml_is_refused(data: bytes, expected: Reason, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_xml, "MAX_BYTES", 100)
    with pytest.raises(Rejected) as caught:
        safe_xml.parse(data)
    assert caught.value.reason is expected


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(READING) - 1), st.binary(max_size=6), st.integers(0, 6))
def test_any_reading_ends_as_rows_or_a_reject(at: int, put_in: bytes, cut: int) -> None:
    data = READING.encode()
    try:
        list(read_lidc(data[:at] + put_in + data[at + cut :], "sha", WHO))
    except Rejected as outcome:
        assert outcome.detail.startswith("expected")


# --- labelmaps -------------------------------------------------------------------------------------------


def test_a_labelmap_keeps_voxels_and_transforms_and_loses_its_texts() -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    given_bytes = labelmap(values, descrip=b"JANE DOE", aux_file=b"MRN 77", db_name=b"DOE", intent_name=b"DOE")
    made = nib.Nifti1Image.from_bytes(gzip.decompress(clean_labelmap(given_bytes)))
    original = nib.Nifti1Image.from_bytes(gzip.decompress(given_bytes))
    assert np.array_equal(np.asarray(made.dataobj), values) and made.get_data_dtype() == np.uint8  # type: ignore[no-untyped-call]
    assert np.array_equal(made.affine, original.affine)
    assert made.header["sform_code"] == original.header["sform_code"]
    assert (
        b"DOE" not in gzip.decompress(clean_labelmap(given_bytes))
        and len(header_of(clean_labelmap(given_bytes))) == 352
    )


def test_extensions_of_a_labelmap_go_and_the_same_labels_give_the_same_bytes() -> None:
    image = nib.Nifti1Image(np.ones((2, 2, 2), np.uint8), np.eye(4))  # type: ignore[no-untyped-call]
    plain = clean_labelmap(image.to_bytes())
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"JANE DOE"))
    assert clean_labelmap(image.to_bytes()) == clean_labelmap(gzip.compress(image.to_bytes())) == plain


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (labelmap(np.full((2, 2, 2), 256, np.int16)), Reason.UNSUPPORTED_OBJECT),
        (labelmap(np.full((2, 2, 2), 0.5, np.float32)), Reason.UNSUPPORTED_OBJECT),
        (labelmap(np.full((2, 2, 2), np.nan, np.float32)), Reason.UNSUPPORTED_OBJECT),
        (labelmap(np.zeros((2, 2), np.uint8)), Reason.UNSUPPORTED_OBJECT),
        (labelmap(np.zeros((2, 2, 2), np.uint8))[:-20], Reason.TRUNCATED),
        (gzip.decompress(labelmap(np.zeros((2, 2, 2), np.uint8)))[:-3], Reason.UNREADABLE),
        (b"no labelmap", Reason.UNREADABLE),
    ],
    ids=["value_256", "half_values", "no_number", "two_axes", "torn_gzip", "torn_nifti", "other_bytes"],
)
def test_what_is_no_labelmap_is_rejected(data: bytes, expected: Reason) -> None:
    with pytest.raises(Rejected) as caught:
        clean_labelmap(data)
    assert caught.value.reason == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 351), st.binary(min_size=1, max_size=4))
def test_any_nifti_ends_as_a_labelmap_or_a_reject(at: int, put_in: bytes) -> None:
    data = bytearray(gzip.decompress(labelmap(np.ones((2, 2, 2), np.uint8))))
    data[at : at + len(put_in)] = put_in
    try:
        clean_labelmap(bytes(data))
    except Rejected as outcome:
        assert outcome.detail.startswith("expected")


@pytest.mark.parametrize(
    "text",
    ["", "a,b\n1,2\n", structures(), structures((0, "heart")), structures((1, "heart"), (1, "aorta")),
     structures((1, "heart of MRN 123456")), structures((300, "heart")), "structure,id\nheart,one\n"],
)  # fmt: skip
def test_what_is_no_table_of_structures_is_rejected(text: str) -> None:
    with pytest.raises(Rejected):
        read_structures(text.encode())


def test_names_of_structures_belong_to_the_values_in_the_id_column() -> None:
    assert read_structures(structures((44, "vertebrae_C7"), (5, "liver")).encode()) == {44: "vertebrae_C7", 5: "liver"}


@pytest.mark.parametrize("engine", ["", "x" * 60, "Engine 12345678", 7, "a\nb"])
def test_a_sidecar_with_an_odd_engine_is_rejected(engine: Any) -> None:
    given_json = {"series_instance_uid": "1.2", "labelmap": "a.nii.gz", "structures": "a.csv", "engine": engine}
    with pytest.raises(Rejected):
        read_sidecar(json.dumps(given_json).encode())
