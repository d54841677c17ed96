"""De-identification: the one border between the vault and everything else.

keys       the key, and the pseudonyms that follow from it
standard   DICOM PS3.15 Annex E as data
dicom      DICOM files: from the profile to the clean bytes
texts      reports and descriptors
nifti, lidc, safe_xml   other kinds of sources
cleaner    one DICOM file, cleaned and verified; ``review`` is where a person decides on pixels
verify     a second, independent code path that reads every output again and fails closed
stage      plan, duplicates, and the stage itself
"""

import logging

logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)  # its lines hold values
