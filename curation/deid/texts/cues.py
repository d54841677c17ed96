"""What announces a person's name in a report, as rules: titles, roles, relatives, signatures and verbs of telling."""

import re
from typing import NamedTuple

from curation.deid.texts.word_lists import word_list

GAP = r"(?:\s+|(?<=\.))"
"""Between a title and a name: a point may stand for the space."""
_BY = (
    r"signed|dictated|transcribed|verified|authenticated|interpreted|approved|finalized|attested|typed|edited|reviewed|"
    r"reported|read|performed|supervised|prepared|requested|ordered|referred|seen|examined|entered|released|placed"
)
_ROLE = (
    r"attending|resident|fellow|radiologist|technologist|physician|clinician|surgeon|provider|reader|nurse|intern|"
    r"transcriptionist|referr(?:ing|er)|pcp|tech|consultant|cardiologist|pulmonologist|oncologist|dictator|cc|attn|"
    r"attention|requester|requestor|operator|assistant"
)
_RELATIVE = (
    r"husband|wife|spouse|partner|daughter|son|mother|father|mom|dad|sister|brother|aunt|uncle|niece|nephew|cousin|"
    r"fianc[eé]e?|boyfriend|girlfriend|friend|neighbou?r|roommate|grand(?:mother|father|son|daughter)|guardian|"
    r"caregiver|next\s+of\s+kin|emergency\s+contact"
)


class Cue(NamedTuple):
    """A name starts where the pattern ends. ``inside``: the cue goes with it; ``sure``: any word after it is a name."""

    rule_id: str
    kind: str
    pattern: re.Pattern[str]
    inside: bool = False
    sure: bool = False


TITLES = Cue("titles", "clinician", re.compile(rf"(?i:\b(?:drs|doctors|profs|professors)\b\.?){GAP}"), True, True)
CUES = (
    TITLES,
    Cue("title", "clinician", re.compile(rf"(?i:\b(?:dr|doctor|prof|professor)\b\.?){GAP}"), True, True),
    Cue(
        "title_of_patient",  # MR without a point is magnetic resonance, ms after a number milliseconds
        "patient",
        re.compile(rf"(?:(?i:\b(?:mrs|mister|miss)\b\.?|(?<!\d)(?<!\d )\bm[rsx]\.)|\b(?:Mr|Ms|Mx)\b){GAP}"),
        True,
        True,
    ),
    Cue("signature", "clinician", re.compile(r"(?i:\b(?:signed|dictated|transcribed)\s+by\b\s*:?\s*)"), sure=True),
    Cue("slash_signature", "clinician", re.compile(r"/[sS]/\s*"), sure=True),
    Cue(
        "done_by",
        "clinician",
        re.compile(rf"(?i:\b(?:co-?)?(?:{_BY})(?:\s+(?:and|&)\s+[a-z]+)?(?:\s+electronically)?\s+by\b\s*:?\s*)"),
    ),
    Cue(
        "sign_off",
        "clinician",
        re.compile(r"(?i:\b(?:signed|sincerely|regards|thank\s+you|dictated|transcribed|verified|approved)\s*[:,]\s*)"),
    ),
    Cue(
        "role",
        "clinician",
        re.compile(rf"(?i:\b(?:{_ROLE})\b(?:\s+(?:physician|provider|doctor|radiologist|md))?\s*[:=-]\s*)"),
    ),
    Cue("nurse", "clinician", re.compile(r"(?i:\bnurse\s+(?:practitioner\s+)?)"), inside=True),
    Cue("relative", "relative", re.compile(rf"(?i:\b(?:{_RELATIVE})\b\s*(?:(?:is|named)\s+|[:,(]\s*)?)")),
    Cue(
        "patient_is",
        "patient",
        re.compile(r"(?i:\b(?:patient(?:['’]s)?|pt\b\.?)(?:\s+name)?)(?:\s+(?:is|named)\s+|\s*[:,]\s*|\s+(?=[A-Z]))"),
    ),
    Cue("named", "person", re.compile(r"(?i:\b(?:named|nicknamed|alias|known\s+as|a\.?k\.?a\.?|n[eé]e)\s+)")),
    Cue(
        "notified",
        "clinician",
        re.compile(r"(?i:\b(?:notified|informed|paged|phoned|called|told|contacted|alerted|texted|per)\s+|\bd/w\s+)"),
    ),
)
TOLD_TO = Cue("told", "clinician", re.compile(r"(?i:\b(?:with|to|by)\s+(?:the\s+)?)"))
TELLING = re.compile(
    r"(?i)\b(?:discuss|communicat|convey|relay|call|phon|report|pag|notif|inform|sp[eo]ak|spoke|giv|telephon|review|talk|"
    r"text|messag)\w*\b[^.\n]{0,60}\Z"
)
"""The verb that must stand before ``TOLD_TO`` in its sentence."""
TITLE = re.compile(rf"(?i:\b(?:drs?|doctor|prof|professor|m[rsx]|mrs|miss)\b\.?){GAP}")
CREDENTIAL = re.compile(
    r"(?<=\S)(?:\s+|\s*,\s*)(?:MD\b|M\.\s?D\b\.?|D\.O\.|DO\b|PhD\b|Ph\.D\b\.?|RN\b|R\.N\b\.?|N\.P\.|PA-C\b|"
    r"F\.?R\.?C\.?R?\b\.?|FACR\b|MBBS\b|MBChB\b|APRN\b|ARNP\b|CRNP\b|DNP\b|MPH\b|BSN\b|FCCP\b|FACS\b|FACC\b|LPN\b|"
    r"R\.T\.|RRT\b|RPA\b)|"
    r"(?<=[a-z])\s+(?:md|m\.d\.|rn|np)(?![\w.]*\w)|"
    r"(?<=\S)\s*,\s*(?:(?:NP|RT)\b|(?i:md|m\.d\.|d\.o\.|rn|r\.n\.|ph\.?d|n\.p\.)(?![\w.]))"
)
LETTERS_APART = re.compile(r"(?i)(?<![^\W_])[^\W\d_]([ ._-])[^\W\d_](?:\1[^\W\d_]){3,}(?![^\W_])")
"""A word whose letters stand apart: Q U A R N."""
RELATIVE_SMALL = re.compile(rf"\b(?i:{_RELATIVE})\s+(?P<it>[a-z]{{3,}})(?![\w'’-])")
"""A relative and a word in small letters: "son mark"."""
SMALL_PAIR = re.compile(r"\b(?i:by|with|per|for|of|from)\s+(?P<given>[a-z]{2,})\s+(?P<family>[a-z]{2,})(?![\w'’-])")
"""Two words in small letters where a name may stand."""
NO_PART = word_list("not-telling")
"""Words of a name that do not tell whose it is: titles, credentials, generations."""
PARTICLES = word_list("particle")
FUNCTION_WORDS = word_list("function")
"""Words that hold a sentence together."""
SMALL_WORDS = FUNCTION_WORDS | word_list("report")
"""Words that never are the start or the rest of a name, whatever stands before them."""
INITIALS_LINE = re.compile(r"(?m)^[ \t]*([A-Z]{2,4}[ \t]?[/:][ \t]?[a-z]{2,4})[ \t]*$")
"""Who dictated and who typed, at the end of a letter: ``AK/mj``."""
