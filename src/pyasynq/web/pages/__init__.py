"""The pages, which are made here and work without a script."""
