"""The REST API: asynqmon's routes and shapes, and more under ``/api/x``."""
