"""Pieces of the patterns of ``form_rules.py``, in small letters: months, numbers in words, streets, towns, labels."""

YEAR = r"(?:19|20)\d\d"
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?|"
    # German, French, Spanish, Italian, Dutch
    r"januar|jänner|februar|märz|maerz|mai|juni|juli|okt(?:ober)?|dez(?:ember)?|janvier|f[eé]vrier|mars|avril|juin|"
    r"juillet|ao[uû]t|septembre|octobre|novembre|d[eé]cembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|"
    r"septiembre|octubre|noviembre|diciembre|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|"
    r"januari|februari|maart|mei|augustus)(?![a-zà-ÿ])"
)
DAY_WORD = (
    r"(?:(?:twenty|thirty)[-\s])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    r"thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth)"
)
DAY = r"(?P<d>3[01]|[12]\d|0?[1-9])(?P<th>st|nd|rd|th)?"
ON = r"(?<![a-z0-9])(?:on|dated|from|since|until|seen|exam|prior|yesterday,?|today,?)\s+"
FREE = r"(?<![^\W_])(?<!\d[./,-])"  # where a number may begin
END = r"(?![^\W_])(?![./-]\d)"
IN_ROW = r"(?<!slice )(?<!image )(?<!series )(?<!im )(?<!se )(?<!img )(?<!frame )(?<!view )"
TIME = r"(?:[01]?\d|2[0-3])[:h][0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s*(?:[ap]\.?m\b\.?|hrs?\b|hours?\b|uhr\b|h\b))?"
CLOCK = r"(?!\s*(?:o\W?clock|position|axis|radian|radial|location))"  # a place on the breast
STREET = (
    r"(?:street|avenue|ave|road|lane|boulevard|blvd|parkway|pkwy|highway|terrace|stra(?:ss|ß)e|(?:st|rd|dr|ln|ct|pl|"
    r"drive|court|place|way)(?=\.?(?:,|\s+[a-z]+,?\s+[a-z]{2}\s+\d{5}|\s*$)))\b\.?"
)
LABEL = (
    r"(?<![a-z0-9])(?:mrn|mr\s?\#|ssn|pid|acct|accession|acc:|(?:medical\s+record|hospital|account|accession|acc|case|"
    r"visit|order|encounter|chart|record)\s*(?:numbers?\b|num\b|no\b|nr\b|\#)|(?:patient|pat|study|exam|case|visit)"
    r"\s*-?id|medical\s+record|id\s*[:\#=])\.?\s*[:\#=]?\s*(?:is\s+)?\#?\s*"
)
PHONE_IS = (
    r"(?<![a-z0-9])(?:pager|beeper|phone|telephone|tel|fax|ext|extension|callback|mobile|handy)\b\.?\s*"
    r"(?:no\.?|number|is|at)?\s*[:\#]?\s*"
)
NINETY = r"ninety(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a)\s+hundred(?:\s+and\s+\w+)?"
YEARS = r"(?=[\s-]*(?:years?|yrs?|yo\b|y/o|y\.o|y\b|jahre|ans\b|a[nñ]os|anni|jaar))"

SMALL_NUMBER = r"(?:one|two|three|four|five|six|seven|eight|nine)"
TEENS = r"(?:ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)"
NUMBER_WORD = rf"(?:(?:twenty|thirty)(?:[-\s]{SMALL_NUMBER})?|{TEENS}|{SMALL_NUMBER})"
YEAR_WORDS = (
    rf"(?:nineteen[-\s](?:hundred(?:\s+and)?[-\s])?(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
    rf"(?:[-\s]{SMALL_NUMBER})?|{TEENS}|oh?[-\s]{SMALL_NUMBER})|two\s+thousand(?:\s+and)?\s+{NUMBER_WORD}|"
    rf"twenty[-\s](?:{TEENS}|twenty(?:[-\s]{SMALL_NUMBER})?))(?![a-z-]|\s*(?:mm|cm|ml|mg|images?|slices?)\b)"
)
HOLIDAY = r"easter|christmas|xmas|thanksgiving|halloween|ramadan|diwali|spring|summer|autumn|fall|winter|q[1-4]"
CITY = (
    r"(?:boston|cambridge|chicago|cleveland|columbus|dallas|denver|detroit|durham|houston|jackson|lincoln|madison|"
    r"milwaukee|nashville|orlando|phoenix|portland|rochester|seattle|stanford)"
)
STATE = (
    r"(?:a[klrz]|c[aot]|d[ce]|fl|ga|hi|i[adln]|k[sy]|la|m[adeinost]|n[cdehjmvy]|o[hkr]|pa|ri|s[cd]|t[nx]|ut|v[at]|"
    r"w[aivy])"
)
INSTITUTION = (
    r"(?<![a-z])(?:mass(?:achusetts)?\.?\s+general|mayo\s+clinic|johns\s+hopkins|cleveland\s+clinic)"
    r"(?:\s+hospital)?(?![a-z])"
)
CLOSE = r"close|crescent|gardens|mews|grove|rise|walk|row|green|hill|park|square|gasse|weg|platz|allee|rue|laan|straat"
