"""What agents of places with threads share: turns of their tasks, when to read again."""
