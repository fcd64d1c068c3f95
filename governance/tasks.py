"""Tasks of governance: one line each."""
