"""Prefect flows, executors and the command line. Knows Prefect, knows no medicine."""
