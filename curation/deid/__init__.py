"""De-identification: the one border between the vault and everything else."""

import logging

logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)  # its lines hold values
