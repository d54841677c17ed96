"""Writers of other formats: COCO, PAXRay, DICOM SEG, NIfTI."""
