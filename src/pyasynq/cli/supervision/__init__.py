"""Worker processes of a process that watches them: `pyasynq worker --processes`, `pyasynq dev`."""
