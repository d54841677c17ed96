"""Policy as data: every table here is one kind of rule, and the id of a rule stands in the row it decided.

Tab-separated, first line the column names, lines that start with ``#`` are comments. A cell of phrases is written
``phrase | phrase``; in a phrase ``{a,b}`` is a choice and ``[a,b]`` one that may be left out. Case, white space and
hyphens do not matter, and nouns also match in the plural. A cell of examples is written ``text | text``, each with what
a test must find: nothing before it for present, ``-`` absent, ``?`` uncertain, ``!`` nothing of this examination.

    headers.tsv         section headers, and whether findings below them are asserted
    findings.tsv        phrases that name a finding by themselves, devices among them
    subjects.tsv        neutral anatomy ("heart size") that needs a state word
    states.tsv          state words ("enlarged", "within normal limits")
    readings.tsv        what a subject in a state means
    locations.tsv       where; some places have a side of their own ("bibasilar")
    modifiers.tsv       laterality and severity words
    triggers.tsv        what negates, hedges or ends a scope
    context.tsv         when and whose: new, improved, historical, of the family
    bearings.tsv        which places a finding can have, and which it implies
    concepts.tsv        what a finding or a place is, and its codes in UMLS, HPO and DOID
    semantic_types.tsv  how likely a chest report speaks of a semantic type of the UMLS
    stop_words.tsv      words that name no concept
    labels/             findings to labels of published sets, and the sets
    homes.tsv           where a finding is at home
    grounding.tsv       home, place and side to anatomy labels, first choice first
    places.tsv          the same places as concepts
    routing.tsv         what makes a case, its weight, and the reason in plain words
"""
