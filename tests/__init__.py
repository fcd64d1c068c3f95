"""The tests, and the servers and builders that they share."""
