"""The programs that are measured. Each prints one JSON line; see program.py for their roles."""
