"""Writers: record batches in, files of one format out; the same rows give the same bytes."""
