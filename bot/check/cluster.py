"""Each host, each API token, each privilege, and how the cluster stands. Reads only, and each host by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.access import Role
from bot.check import names, telling, tokens
from bot.check.line import Line, fail, ok, warn
from bot.config import Settings
from bot.errors import PveError, PveUnauthorized
from bot.model import Snapshot, Version
from bot.ports import Clock
from bot.privileges import MAJORS, OLDEST
from bot.pve.cluster import Cluster
from bot.pve.config import ClusterConfig
from bot.pve.tls import HostReport
from bot.text import day_clock, say, say_n

ENDING = timedelta(days=14)
"""Before a certificate's end by this much it is said. Proxmox VE renews its own two weeks before (pveupdate)."""

SHOW_PIN = "openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem"
"""On a node. Where a certificate of one's own is installed the file is pveproxy-ssl.pem."""


async def lines(config: ClusterConfig, clock: Clock, settings: Settings) -> AsyncIterator[Line]:
    alone = [Cluster(replace(config, hosts=(host,)), clock) for host in config.hosts]
    try:
        reports = await asyncio.gather(*(one.probe(host) for one, host in zip(alone, config.hosts, strict=True)))
        for line in _certificates(config, reports, clock):
            yield line
        good: Cluster | None = None
        version: Version | None = None
        for one, report in zip(alone, reports, strict=True):
            if not report.verified:
                continue
            found, told = await _version(one, report)
            if told is not None:
                yield told
            if good is None and found is not False:
                good, version = one, found if isinstance(found, Version) else None
        if good is None:
            yield fail(say("No host can be asked: tokens and privileges are not checked."))
            return
        async for line in tokens.lines(good, version):
            yield line
        if version is not None:
            async for line in _state(good, settings, version):
                yield line
    finally:
        for one in alone:
            await one.close()


def _certificates(config: ClusterConfig, reports: Sequence[HostReport], clock: Clock) -> Iterator[Line]:
    strangers = [report for report in reports if report.reachable and not report.verified]
    for report in reports:
        host = str(report.host)
        if not report.reachable:
            port = f"nc -vz {report.host.name} {report.host.port}"
            yield fail(say("{host} cannot be reached: {why}.", host=host, why=report.why), port)
        elif not report.verified:
            mend = (SHOW_PIN, _pins(config, strangers)) if report is strangers[-1] else ()
            if config.pins(report.host):
                pinned = " ".join(config.pins(report.host))
                text = say(
                    "{host} shows the certificate {seen}, pinned is {pinned}. Compare it on the node, then pin it.",
                    host=host,
                    seen=report.fingerprint,
                    pinned=pinned,
                )
            else:
                text = say(
                    "{host}: {why}. It shows {seen}. Compare it on the node, then pin it.",
                    host=host,
                    why=report.why,
                    seen=report.fingerprint,
                )
            yield fail(text, *mend)
        elif report.not_after is not None and report.not_after - clock.now() < ENDING:
            end = day_clock(report.not_after)
            yield warn(say("{host}: its certificate ends {end}.", host=host, end=end), "pvecm updatecerts --force")
        elif report.by == "pin":
            yield ok(say("{host} shows the pinned certificate.", host=host))
        else:
            yield ok(say("{host} shows a certificate that the {by} vouch for.", host=host, by=_by(report)))


def _by(report: HostReport) -> str:
    return {"CA file": "authorities in TELEMOX_PVE_CA_FILE", "system CAs": "system's authorities"}[report.by]


def _pins(config: ClusterConfig, strangers: Sequence[HostReport]) -> str:
    """The whole setting: what is pinned already for other hosts, and what these show."""
    kept = [f"{pin.host}={pin.fingerprint}" if pin.host else pin.fingerprint for pin in config.fingerprints]
    kept = [
        text
        for pin, text in zip(config.fingerprints, kept, strict=True)
        if not (pin.host and any(pin.is_for(report.host) for report in strangers))
    ]
    seen = [f"{_short(report)}={report.fingerprint}" for report in strangers]
    return "TELEMOX_PVE_FINGERPRINTS=" + ",".join(kept + seen)


def _short(report: HostReport) -> str:
    host = report.host
    return host.name if host.port == type(host)(host.name).port else str(host)


async def _version(one: Cluster, report: HostReport) -> tuple[Version | bool, Line | None]:
    """The version; True when the host answers but refuses the token (told once, with the tokens); False: no use."""
    host = str(report.host)
    try:
        version = await one.version()
    except PveUnauthorized:
        return True, None
    except PveError as error:
        return False, fail(say("{host}: {why}.", host=host, why=error.reason))
    if version < OLDEST:
        line = fail(
            say("{host} runs Proxmox VE {version}; Telemox needs 7.4, 8 or 9.", host=host, version=version.text),
            "https://pve.proxmox.com/wiki/Category:Upgrade",
        )
    elif version.major > MAJORS[-1]:
        line = warn(say("{host} runs Proxmox VE {version}, newer than what is known.", host=host, version=version.text))
    else:
        line = ok(say("{host} runs Proxmox VE {version}.", host=host, version=version.text))
    return version, line


async def _state(cluster: Cluster, settings: Settings, version: Version) -> AsyncIterator[Line]:
    try:
        seen = await cluster.snapshot()
    except PveError as error:
        yield fail(say("The cluster's view cannot be read: {why}.", why=error.reason))
        return
    yield _quorum(seen)
    if off := [node.name for node in seen.nodes if not node.online]:
        yield warn(
            say_n(
                len(off),
                one="{nodes} is offline: its guests are shown as unknown.",
                many="{nodes} are offline: their guests are shown as unknown.",
                nodes=", ".join(off),
            ),
            "pvecm status",
        )
    if not seen.guests:
        view = await cluster.permissions(Role.VIEWER)
        if view is not None and view.allows("VM.Audit", "/vms"):
            yield ok(say("The cluster has no guest."))
    for line in names.lines(settings, seen):
        yield line
    for line in telling.lines(settings, seen, version):
        yield line


def _quorum(seen: Snapshot) -> Line:
    shown = say_n(seen.total, one="{n} guest", many="{n} guests")
    nodes = say_n(len(seen.nodes), one="{n} node", many="{n} nodes")
    if seen.quorate is False:
        return fail(
            say("{name} has no quorum: it can be looked at, and nothing starts.", name=seen.name), "pvecm status"
        )
    if seen.quorate is None:
        return warn(say("{name}: whether it has a quorum cannot be seen by the view token.", name=seen.name))
    return ok(say("{name}: {nodes}, {guests}, quorum.", name=seen.name, nodes=nodes, guests=shown))
