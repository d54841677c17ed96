"""The policy as a page: what ``paxflow deid policy`` prints and ``docs/deid-policy.md`` holds."""

from collections.abc import Iterator

from curation.deid.dicom.profile import OPTIONS, RESEARCH, Action, Profile, profile
from curation.deid.standard import EDITION, Row, rows, safe_private_attributes

_OPTION_TEXT = {
    "retain_safe_private": "private attributes that Table E.3.10-1 lists pass, if their values are what it says",
    "retain_uids": "UIDs stay as they came",
    "retain_device_identity": "names, numbers and dates of devices stay",
    "retain_institution_identity": "institutions stay",
    "retain_patient_characteristics": "sex, age (capped), size, weight and the like stay",
    "retain_modified_dates": "dates move back by one number of days a patient; times of day by less than half an hour",
    "clean_descriptors": "free text keeps the words that a vocabulary knows; names, ids and the unknown go",
    "clean_structured_content": "structured reports keep their tree, codes and measurements; their texts are cleaned",
    "clean_graphics": "presentation states keep their graphics; their texts are cleaned; overlays and curves go",
    "clean_pixel_data": "text in pixels is found and removed, or waits for a person; without it pictures are refused",
}
_ACTION_TEXT = {
    Action.REMOVE: "the attribute goes",
    Action.EMPTY: "the attribute stays without a value",
    Action.DUMMY: "a value that says nothing, of the same representation",
    Action.KEEP: "the value passes if it is what its representation may hold: a number of a sane size, a known term",
    Action.CLEAN: "as keep; text is cleaned word by word, dates move, sequences are cleaned item by item",
    Action.UID: "a UID that is not one of DICOM's own becomes `2.25.` and 128 bits of a keyed hash",
    Action.MADE: "paxflow writes it, whatever came",
}
_DEFAULT_TEXT = (
    ("default:unknown-tag", "an attribute that PS3.6 does not know goes"),
    ("default:vr-differs", "a value of another representation than the attribute's goes"),
    ("default:bulk", "bytes go, but for pixels, lookup tables, waveforms and coordinates"),
    ("default:PN, AE, UR", "names of people, machines and places go, wherever they stand"),
    ("default:UI", "a UID that is not DICOM's own is replaced"),
    ("default:nested-pixels", "pixels below the top level go: nobody looks at them"),
    ("default:(VR)", "everything else passes as `clean` says"),
    ("E.1-1:private:X", "a private attribute goes, unless the option and the table say that it is safe"),
    ("E.1-1:60xx,3000:X", "overlays go whole: their bits may be letters"),
)

_SITES = (
    "InstitutionName (0008,0080) goes, as the table below says. Beside the file, `instances.site_id` keeps a pseudonym",
    "of it, `s` and 64 bits of a keyed hash, so that splits can be balanced by site and a model's results compared",
    "across sites. Equal names give equal pseudonyms: case, width and white space make no difference, another",
    "spelling does. A pseudonym tells neither who nor where without the key, but what lies at one site is seen to lie",
    "together. A file that names no institution has none.",
)


def markdown() -> str:
    """The whole page."""
    research = profile(RESEARCH)
    return "\n".join(
        (
            "# De-identification policy",
            "",
            "Made from the policy itself by `paxflow deid policy`; a test compares them.",
            f"DICOM PS3.15 {EDITION}, Annex E: the Basic Application Level Confidentiality Profile with options, then",
            "default deny. `paxflow deid explain FILE` shows the rule for each attribute of a file.",
            "",
            "## Options",
            "",
            "Set in `params.yaml` under `deid.options`. *Research* marks the default.",
            "",
            "| option | research | what it does |",
            "|---|---|---|",
            *(f"| `{name}` | {'yes' if name in RESEARCH else ''} | {_OPTION_TEXT[name]} |" for name in OPTIONS),
            "",
            "## Actions",
            "",
            "| action | what happens |",
            "|---|---|",
            *(f"| {action} | {_ACTION_TEXT[action]} |" for action in Action),
            "",
            "## What no table knows",
            "",
            "| rule | what happens |",
            "|---|---|",
            *(f"| `{rule}` | {text} |" for rule, text in _DEFAULT_TEXT),
            "",
            "## Sites",
            "",
            *_SITES,
            "",
            f"## Safe private attributes ({len(safe_private_attributes())}, by creator)",
            "",
            *_creators(),
            "",
            "## Attributes",
            "",
            "What each row of Table E.1-1, and each attribute that paxflow writes, becomes under the research options.",
            "",
            "| tag | attribute | basic | action | rule |",
            "|---|---|---|---|---|",
            *(
                f"| {row.tag} | {row.keyword} | {row.basic} | {action} | `{rule}` |"
                for row, action, rule in _attributes(research)
            ),
            "",
        )
    )


def _creators() -> Iterator[str]:
    counts: dict[str, int] = {}
    for attribute in safe_private_attributes():
        counts[attribute.creator] = counts.get(attribute.creator, 0) + 1
    yield ", ".join(f"`{creator}` {count}" for creator, count in sorted(counts.items()))


def _attributes(chosen: Profile) -> Iterator[tuple[Row, Action, str]]:
    for row in sorted(rows(), key=lambda row: row.tag):
        if "x" in row.tag or row.tag == "gggg,eeee":
            yield row, Action.REMOVE, f"E.1-1:{row.tag}:X"
            continue
        rule = chosen.rule(int(row.tag.replace(",", ""), 16))
        yield row, rule.action, rule.id
