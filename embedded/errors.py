"""What can go wrong with a local server, said with the way out."""


class ServerError(RuntimeError):
    """A local server can't be started or used; the message says why and what to do."""


class HomeInUseError(ServerError):
    """Another living process keeps its server in this home."""


class PortTakenError(ServerError):
    """Somebody else listens on the port that was asked for."""
