"""Why does a task not run? What is found, most decisive first, by pure rules over one reading."""
