"""A simulated mesh: the platform's own planner over a simulated clock, in values alone."""
