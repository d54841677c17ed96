"""Policy as data: every table here is one kind of rule, and the id of a rule stands in the row it decided.

Tab-separated, first line the column names, lines that start with ``#`` are comments. A cell of phrases is written
``phrase | phrase``; in a phrase ``{a,b}`` is a choice and ``[a,b]`` one that may be left out. Case, white space and
hyphens do not matter, and nouns also match in the plural. A cell of examples is written ``text | text``, each with what
a test must find: nothing before it for present, ``-`` absent, ``?`` uncertain, ``!`` no mention at all.

    headers.tsv      section headers, and whether findings below them are asserted
    findings.tsv     phrases that name a finding by themselves, devices among them
    subjects.tsv     neutral anatomy ("heart size") that needs a state word
    states.tsv       state words ("enlarged", "within normal limits")
    readings.tsv     what a subject in a state means
    locations.tsv    where; some places have a side of their own ("bibasilar")
    modifiers.tsv    laterality and severity words
    triggers.tsv     what negates, hedges or ends a scope
    labels.tsv       finding to CheXpert label
    grounding.tsv    finding, place and side to anatomy labels, first choice first
    routing.tsv      what makes a case, its weight, and the reason in plain words
"""
