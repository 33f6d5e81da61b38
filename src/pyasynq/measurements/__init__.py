"""What is measured: a table of metrics, and their readings as plain data, without I/O."""
