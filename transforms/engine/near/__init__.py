"""Near duplicates: sketches of texts, candidates among them, clusters of those that are alike."""
