"""From pending to running."""
