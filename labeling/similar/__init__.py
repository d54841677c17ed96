"""How alike reports are, and what follows from it: see ``labeling.similarity``, the door to this room.

statements    a report as the set of what it says
knowledge     what the chest's tables know: hierarchy, opposites, types, homes, parts
soft          the measure: likeness over the hierarchy, real contradictions, places
published     the ontology-based measure of the concept distillation paper, as a preset
index         the nearest of many reports, exactly, from an inverted index
relations     how one statement stands to every statement of an index
bounds        the soft measure over an index: a bound for all reports, exact for some
transfer      labels from the nearest reports
"""
