"""What a reader is shown of a case, and asked: forms (labeling configurations), pictures, texts, pre-annotations."""
