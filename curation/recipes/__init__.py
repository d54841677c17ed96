"""Release recipes, one file each."""
