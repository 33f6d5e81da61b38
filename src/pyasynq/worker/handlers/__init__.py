"""What an application writes against: handlers, middlewares, contexts, events."""
