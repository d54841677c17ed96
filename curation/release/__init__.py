"""Releases: what modelers pull. From the tables of data/ and work/ to ``release/<recipe>/`` and ``answers/<recipe>/``.

    recipe      what a recipe is, and which there are
    sources     the rows that a recipe may read
    splits      who is in which split; strata: what they are balanced by; official: splits that others published
    duplicates  what may not cross splits; hidden: answers that stand apart
    images      the pictures, in shards
    build       puts a release together, looks at it, and moves it into place
    opened      a release as it lies in a folder: all that follow read it through this
    check       proves what a release promises
    changes     what is new since another version
    card        the data card, its figures and pictures; croissant: the same for machines; mini: a hundred rows

The same rows give the same bytes, whatever the history: rows are sorted, shards are filled by hash and in order, and
nothing of the moment (time, commit, machine) is written. The tag is the version; the folder does not know it.
"""
