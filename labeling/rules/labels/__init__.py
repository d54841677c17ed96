"""Finding to label, one table a part; ``sets.tsv`` says which parts a label set shows, ``names.tsv`` what they hold."""
