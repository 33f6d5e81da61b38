"""Live updates: one reading for all who look, and what has changed since the one before."""
