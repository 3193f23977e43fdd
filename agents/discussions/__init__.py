"""What agents of places with threads share: turns of their tasks, versions seen, when to read again."""
