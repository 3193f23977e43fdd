"""``molva bench pipeline``: one run of the whole pipeline on this machine, measured at both ends."""
