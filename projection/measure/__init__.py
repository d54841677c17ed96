"""What a radiologist measures on a film, taken from the masks, beside what the CT itself gives."""
