"""What stands behind a global step: what its shards leave, how that is judged, what goes on."""
