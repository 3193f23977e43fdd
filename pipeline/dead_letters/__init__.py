"""Dead letters as a tool: choose them, look at them, send their records again, be done with them."""
