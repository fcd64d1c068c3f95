"""Client of a Fairmesh data mesh. Talks HTTP only; verifies by itself what it is given."""

__version__ = "0.1.0"
