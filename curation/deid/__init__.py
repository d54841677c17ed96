"""De-identification: the one border between the vault and everything else.

originals   reads what arrived, and lists every value in it that identifies someone
identity    the key, and the pseudonyms, moved dates and capped ages that follow from it without a state
attributes  which DICOM attributes pass, and what happens to them: a table; all else is dropped
dicom, text, nifti, lidc   one kind of source each: original in, clean bytes or rows out
verify      a second, independent code path that reads every output again and fails closed
stage       plan, duplicates, and the stage itself
"""
