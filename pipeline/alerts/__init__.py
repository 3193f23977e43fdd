"""Who is told of incidents, how, and until it has worked: routing, receivers and their queues."""
