"""Reports, lexicon, grounding, routing, consensus."""
