"""A host of the API for the feeder, as the tests of the Proxmox door have it."""

from tests.pve.conftest import authority, ca_file, host, identity

__all__ = ["authority", "ca_file", "host", "identity"]
