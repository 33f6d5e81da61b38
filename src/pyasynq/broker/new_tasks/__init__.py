"""From a task and its options to what is stored; pure."""
