"""Concepts: own ones as data, those of a user's UMLS as a dictionary, and the link from a mention to either.

table        own concepts and their hierarchy
umls         builds a dictionary (rrf, staging: what is taken in; index, columns, keys: how it lies on disk)
dictionary   finds the terms of a dictionary in texts
rank         which concept an ambiguous phrase means, or none
ngrams       phrases that look alike
embed        phrases that mean alike, by an encoder from a local folder
link         one call: own concept, dictionary, 3-grams, encoder, or none
ontology     a hierarchy as arrays
"""
