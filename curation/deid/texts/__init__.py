"""Texts: reports, which keep all but what identifies, and short values, which keep only what a vocabulary knows.

reports     a report as it came: its header, and whom that names
surrogates  a report with typed surrogates (``spans``, ``dates``, ``codes``, ``places``, ``names``, ``net``, ``people``)
words       descriptors and the prose of structured reports, word by word (``vocabulary``)
"""
