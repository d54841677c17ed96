"""Reads reports: sections, sentences, findings, and what is said of them. ``read_report`` is the one call.

sections     a text as sections and sentences, by offset
lexicon      phrases as data, found longest first
clauses      where one statement ends and the next begins
assertion    present, absent or uncertain
context      when, and whose: temporality and experiencer
readings     what a subject in a state means ("heart size is enlarged")
binding      side, severity, place, size and number, each to its finding
reader       a sentence, and a text
"""
