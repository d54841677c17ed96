"""De-identification: the one place where identifying data is turned into data."""
