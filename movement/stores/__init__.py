"""The storage seam: one protocol, kept by a directory, by any S3 server and, to read, by the web."""
