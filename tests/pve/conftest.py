"""What the tests of the Proxmox door share: an authority, a host that it vouches for, a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from bot.errors import PveError
from bot.pve.cluster import Cluster
from bot.pve.config import Timeouts
from tests.pve.server import PATIENT, Clock, Scripted, config


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def identity(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", "localhost")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def host(identity: trustme.LeafCert) -> AsyncIterator[Scripted]:
    async with Scripted(identity) as running:
        yield running


@pytest.fixture
async def spare(identity: trustme.LeafCert) -> AsyncIterator[Scripted]:
    """The second host."""
    async with Scripted(identity) as running:
        yield running


@pytest.fixture
def notices() -> list[PveError]:
    return []


@pytest.fixture
def timeouts() -> Timeouts:
    """No test waits for them to run out, but where it says `quick`."""
    return PATIENT


@pytest.fixture
async def cluster(
    host: Scripted, spare: Scripted, ca_file: Path, clock: Clock, notices: list[PveError], timeouts: Timeouts
) -> AsyncIterator[Cluster]:
    """Two hosts, trusted by the CA file, with a view and a power token."""
    running = Cluster(config(host, spare, ca_file=ca_file, timeouts=timeouts), clock, notices.append)
    yield running
    await running.close()
