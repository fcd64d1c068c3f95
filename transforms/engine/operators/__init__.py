"""One file an operator. Putting a file here is all it takes to add one: `registry` finds it."""
