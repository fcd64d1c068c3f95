"""The embedded profile: the whole platform as one process tree, from wheels, on loopback."""
