"""What is ours, below ``/api/x``: JSON, with JSON errors."""
