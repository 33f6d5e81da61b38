"""How components and processes start, run and stop."""
