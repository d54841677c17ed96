"""The key, and the pseudonyms, moved dates and capped ages that follow from it without a state.

identity   what follows from a key
key        the key itself: made, read, refused; ``rotation`` puts another in its place
crosswalk  an encrypted list of originals and pseudonyms, where one is asked for
"""
