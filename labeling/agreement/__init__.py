"""Several readers' answers as one, and how well readers agree."""
