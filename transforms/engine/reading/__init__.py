"""Readers: bytes of JSONL, CSV and Parquet in, record batches and bad records out."""
