"""Scan: which detectors match how often in which columns. Arrow in, counts out; no value leaves.

See docs/explanation/algorithms/scan.md.
"""
