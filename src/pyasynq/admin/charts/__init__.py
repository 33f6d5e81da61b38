"""Charts as SVG, which need neither a script nor a style sheet."""
