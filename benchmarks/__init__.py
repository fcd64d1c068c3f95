"""One module a claim, each measured side by side against a named peer: `make bench NAME=copy`."""
