"""Client of a Fairmesh data mesh. Talks HTTP only; verifies by itself what it is given."""

from fairmesh.client import Client
from fairmesh.download import Fetched
from fairmesh.errors import FairmeshError
from fairmesh.seal import Anchor
from fairmesh.verify import Report, verify_directory

__all__ = ["Anchor", "Client", "FairmeshError", "Fetched", "Report", "verify_directory"]
__version__ = "0.1.0"
