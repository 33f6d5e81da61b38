"""This server is seen, heard and well."""
