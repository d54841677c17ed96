from pathlib import Path

import pytest

from curation.errors import InputError, SettingsError
from curation.records import Assertion, ConceptLink, ConceptRow, Report, Temporality
from curation.stage import prepare, run_batch
from curation.store import read_rows, to_arrow, write_parquet
from labeling.concept_links import VARIABLE, links, open_dictionary
from labeling.concepts.dictionary import Dictionary
from labeling.concepts.staging import Options
from labeling.concepts.umls import build
from labeling.mine import STAGE
from tests.builders import workspace_at
from tests.labeling.concepts.made import small_umls

TEXT = "INDICATION: Blorbic fluid.\nFINDINGS: Lungs are clear. No blorbic fluid. Possible new zanthum collapse."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("umls") / "dictionary"
    build(small_umls(out.parent / "rrf"), out, Options(("ENG",), (), ()))
    return out


def digest_of(folder: Path) -> str:
    found: str = Dictionary.open(folder).manifest["digest"]
    return found


def test_a_concept_has_its_place_and_what_is_said_of_it(folder: Path) -> None:
    found = list(links("r", TEXT, Dictionary.open(folder)))
    said = {(TEXT[row.start : row.end], row.concept_id): row for row in found if row.position == 0}
    fluid, collapse = said["blorbic fluid", "C9000001"], said["zanthum collapse", "C9000003"]
    assert (fluid.assertion, fluid.section) == (Assertion.ABSENT, "findings")
    assert (collapse.assertion, collapse.temporality) == (Assertion.UNCERTAIN, Temporality.NEW)
    assert len(said) == 2, "what the indication names is not of this examination"


def test_a_text_without_concepts_has_no_link(folder: Path) -> None:
    assert not list(links("r", "FINDINGS: Clear lungs.", Dictionary.open(folder)))


def test_the_stage_links_when_the_settings_name_the_dictionary(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_at(tmp_path)
    params = workspace.root / "params.yaml"
    params.write_text(params.read_text().replace('dictionary: ""', f'dictionary: "{digest_of(folder)}"'))
    report = Report("r1", "p", "", None, "local", "LicenseRef-local", TEXT)
    write_parquet(to_arrow(Report, [report]), workspace.tables("deid") / "reports" / "a.parquet")
    monkeypatch.setenv(VARIABLE, str(folder))
    for batch in prepare(STAGE, workspace).batches:
        run_batch(STAGE, workspace, batch)
    assert {row.concept_id for row in read_rows(ConceptLink, workspace.tables("mine"))} == {"C9000001", "C9000003"}
    concepts = {row.concept_id: row for row in read_rows(ConceptRow, workspace.tables("mine"))}
    assert concepts["pleural_effusion"].cui == "C0032227"


def test_no_other_dictionary_is_taken(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(SettingsError, match=VARIABLE):
        open_dictionary("0" * 24)
    monkeypatch.setenv(VARIABLE, str(folder))
    with pytest.raises(SettingsError, match="expected dictionary 0000"):
        open_dictionary("0" * 24)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(InputError):
        open_dictionary(digest_of(folder))
