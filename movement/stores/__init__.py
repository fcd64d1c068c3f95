"""The storage seam: one protocol, kept by a directory and by any S3 server."""
