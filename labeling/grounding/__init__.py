"""Where what a report says lies in an image: from finding, place and side to anatomy labels, and from a sentence to all
of its labels. Policy is data: ``rules/homes.tsv`` and ``rules/grounding.tsv``."""
