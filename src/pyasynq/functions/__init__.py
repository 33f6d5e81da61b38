"""What functions of the user look like, and what they return; for all who call such functions."""
