"""Small words that hold a sentence together."""

COPULAS = frozenset(
    ("is", "are", "was", "were", "be", "been", "has", "have", ":", "appear", "appears", "remain", "remains")
) | {"seem", "seems", "look", "looks"}
JOINTS = frozenset((",", "and", "or"))
PREPOSITIONS = frozenset(
    ("in", "of", "at", "within", "on", "to", "into", "over", "above", "below", "near", "overlying", "projecting")
) | {"involving", "throughout", "along", "adjacent"}
FAR = 8
"""Tokens between a subject and its state, or between a finding and a severity behind it, at most."""
MODALS = frozenset(("may", "might", "could", "can", "cannot", "should", "would", "will", "had", "does", "did"))
MODALS |= {
    "shows",
    "showed",
    "demonstrates",
    "reveals",
    "revealed",
    "suggest",
    "suggests",
    "contains",
    "denies",
    "reports",
    "complains",
}
SHARED = (
    frozenset(("seen", "identified", "noted", "present", "evident", "demonstrated", "appreciated", "visualized"))
    | {"visualised", "visible", "apparent", "observed", "detected", "found", "reported", "elicited", "suspected"}
    | {"developed", "occurred", "suggested", "shown", "absent", "unchanged", "stable", "resolved"}
)
"""What is said of all that a list names: "no effusion and pneumothorax are seen"."""
EXPLAINS = (
    frozenset(("represent", "represents", "representing", "reflect", "reflects", "reflecting", "indicate", "indicates"))
    | {"indicating", "indicative", "suggest", "suggests", "suggesting", "suggestive", "suggested", "consistent"}
    | {"compatible", "keeping", "concerning", "suspicious", "worrisome", "favor", "favored", "favoured", "favoring"}
    | {"due", "secondary", "related", "because", "may", "might", "could", "versus", "vs", "typical", "characteristic"}
    | {"likely", "probable", "probably", "possible", "possibly", "presumably", "presumed", "question", "questionable"}
    | {"?"}
)
"""What follows is a reading of what stands before: "left base opacity, likely atelectasis"."""
BARS = (
    (COPULAS - {":"})
    | (
        EXPLAINS
        - {"likely", "probable", "probably", "possible", "possibly", "presumed", "question", "questionable"}
        - {"?"}
    )
    | {"with", "which", "that", "while", "without", "from", "causing", "obscuring", "shows", "demonstrates"}
    | {"but", "however", "although", "though"}
    | {"measuring", "measures", "measured", "measure"}
)
"""What stands before these belongs to what stands before, not to the finding behind them."""
CHANGES = (
    frozenset(("increase", "increased", "increasing", "decrease", "decreased", "decreasing", "improved", "improvement"))
    | {"improving", "worse", "worsened", "worsening", "better", "smaller", "larger", "lower", "higher", "greater"}
    | {"more", "less", "progressed", "progression", "change", "changed", "interval", "displaced", "angulated"}
    | {"depressed", "impacted", "rotated", "limited", "degraded", "obscured", "different", "prior", "previous"}
)
"""A degree before these is one of the change, not of the finding: "slightly worse opacity"."""
TIES = PREPOSITIONS - {"adjacent"}
"""Prepositions proper: "adjacent atelectasis" is not one."""
