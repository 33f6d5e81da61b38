"""Events of tasks, workers and periodic tasks, and the functions that listen to them."""
