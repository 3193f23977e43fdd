"""``molva doctor``: looks for what is wrong with an installation, and says the cure of each finding."""
