"""What is uncertain about a report or an image, and which cases a reader should see first."""
