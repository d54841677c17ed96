"""Reading batches: which cases, which readers, who has read what. Knows no Label Studio."""
