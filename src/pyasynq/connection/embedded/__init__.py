"""A Redis of our own, shared by the processes of a directory."""
