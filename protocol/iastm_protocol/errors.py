"""Errors that carry blame: ours (local) or the peer's (remote)."""


class ProtocolError(Exception):
    """A message broke the rules of SPEC.md."""


class LocalProtocolError(ProtocolError):
    """This side tried to send what the protocol can't carry."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow."""
