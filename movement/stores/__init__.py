"""The storage seam: one protocol, kept by a directory, any S3 server and, to read, the web."""
