"""The views: each reads what it shows, and nothing else."""
