"""What a study takes on some machines: its calls, and a model of their queues."""
