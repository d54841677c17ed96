"""Ages of 90 and more without "years" beside them: "he is 95", "F95", "her 94th birthday", "ninety-five".

Category: 45 CFR 164.514(b)(2)(i)(C). The group ``n`` is the age; the patterns read a text in small letters, but for
``BEHIND_SEX``, which reads it as it is.
"""

_N = r"(?P<n>9\d|1[0-2]\d)"
_UNIT = (
    r"(?!\s*(?:mm|cm|ml|cc|mg|mcg|g\b|kg|hu\b|ms\b|msec|bpm|%|percent|degrees?|°|beats|units?|kv|ma\b|mas|images?|slices?|"
    r"days?|weeks?|months?|hours?|minutes?|[x×/]))"
)
_END = rf"(?!\w)(?![.,:/-]\d){_UNIT}"
_DIGIT_WORD = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_NINETY = rf"(?P<n>ninety(?:[-\s]{_DIGIT_WORD})?)"
_PERSON = r"(?:man|woman|male|female|lady|gentleman|patient|pt|grandmother|grandfather|mother|father)"
_SAID = (
    rf"(?:(?<![a-z])(?:he|she|who|{_PERSON}|m(?:rs?|s|iss)\.?\s+[^\W\d_]+)\s+(?:is|was|now)(?:\s+(?:now|already|over|almost|nearly))?|\A\W*(?:is|was)|"
    rf"(?<![a-z])(?:turn(?:ed|s|ing)|{_PERSON}\s+of|aged?))\s+"
)

SAID_AGES = (
    rf"{_SAID}{_N}{_END}",
    rf"{_SAID}{_NINETY}{_END}",
    rf"(?<![a-z])an?\s+{_N}\s*,?\s*(?:year|y/?o\b|{_PERSON}\b)",
    r"(?<!\w)(?P<n>9\d|1[0-2]\d)(?=(?:st|nd|rd|th)\s+(?:birthday|year\s+of))",
    rf"(?<![a-z])(?P<n>ninety[-\s]{_DIGIT_WORD})(?![\w-]){_UNIT}",
    r"(?<![a-z])(?P<n>nineties)(?![a-z])",
    r"(?<![a-z])(?:(?:his|her|their)(?:\s+(?:early|mid|late))?|early|mid|late)[-\s]+(?P<n>(?:90|100)['’]?s)(?![a-z])",
)
BEHIND_SEX = r"(?<!\w)[MF](?P<n>9\d|10\d)(?!\w)(?![./-]\d)"
