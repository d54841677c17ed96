"""The tables that every release has."""

SPINE = {
    "images": "one image: patient, split, view, pixel spacing, and where its PNG lies (`shard`, `offset`, `length`)",
    "studies": "one imaging study; dates are moved by a secret number of days per patient",
    "patients": "one patient under a pseudonym",
    "splits": "one patient's split, and where it is from",
    "left_out": "one image or report that is held back, and why",
}
"""One row is …"""
