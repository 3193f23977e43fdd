"""``python -m pipeline.cli``: the command ``molva`` without its script, for child processes."""

from pipeline.cli import main

main()
