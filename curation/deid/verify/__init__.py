"""The second look at every output, by code that shares nothing with what wrote it but the standard's tables.

verifier   one patient's files, one after another
walk, rules, values          structure, attributes and marks, what a value may look like
search, spellings, streams   identifiers of the original, in any spelling, encoding and compression
"""
