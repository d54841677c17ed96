"""Base (records, store, settings, errors) and the stages at the border: ingest, deid, catalog, release."""
