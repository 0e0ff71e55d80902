"""Who may what: tokens, roles, ACLs, pools, and what a caller does not get to see."""

import pytest

from bot.demo.cluster import Cluster
from bot.demo.cluster.access import Caller
from tests.demo.cluster_kit import EPOCH, served, speaking

MASKED = "Authentication failed!"


def may(cluster: Cluster, who: str, privilege: str, path: str) -> bool:
    return cluster.world.access.may(Caller(who), privilege, path)


# who has been granted what -> who may what: (path, who, role, propagate), then (who, privilege, path, answer)
A, TOKEN = "ann@pve", "ann@pve!bot"
GRANTS: list[tuple[str, list[tuple[str, str, str, bool]], list[tuple[str, str, str, bool]]]] = [
    ("nothing is granted by default", [], [(A, "VM.Audit", "/vms/101", False)]),
    (
        "a grant propagates",
        [("/", A, "PVEAuditor", True)],
        [
            (A, "VM.Audit", "/vms/101", True),
            (A, "Sys.Audit", "/nodes/pve1", True),
            (A, "VM.PowerMgmt", "/vms/101", False),
        ],
    ),
    (
        "unless it is told not to",
        [("/vms", A, "PVEAuditor", False)],
        [(A, "VM.Audit", "/vms", True), (A, "VM.Audit", "/vms/101", False)],
    ),
    (
        "a deeper path replaces what came from above",
        [("/", A, "PVEAuditor", True), ("/vms/666", A, "JustPower", True)],
        [
            (A, "VM.PowerMgmt", "/vms/666", True),
            (A, "VM.Audit", "/vms/666", False),
            (A, "VM.Audit", "/vms/113", True),
        ],
    ),
    (
        "but reaches a pool's members through the pool",
        [("/", A, "PVEAuditor", True), ("/vms/101", A, "JustPower", True)],
        [(A, "VM.PowerMgmt", "/vms/101", True), (A, "VM.Audit", "/vms/101", True)],
    ),
    (
        "roles on one path add up",
        [("/vms/101", A, "PVEAuditor", True), ("/vms/101", A, "JustPower", True)],
        [(A, "VM.PowerMgmt", "/vms/101", True), (A, "VM.Audit", "/vms/101", True)],
    ),
    (
        "a pool's roles are merged into its members'",
        [("/vms", A, "PVEAuditor", True), ("/pool/prod", A, "JustPower", True)],
        [
            (A, "VM.PowerMgmt", "/vms/101", True),
            (A, "VM.Audit", "/vms/101", True),
            (A, "VM.PowerMgmt", "/vms/666", False),
        ],
    ),
    (
        "NoAccess wins",
        [("/vms/101", A, "PVEAuditor", True), ("/vms/101", A, "NoAccess", True)],
        [(A, "VM.Audit", "/vms/101", False)],
    ),
    (
        "also through a pool",
        [("/vms", A, "PVEAuditor", True), ("/pool/prod", A, "NoAccess", True)],
        [(A, "VM.Audit", "/vms/101", False), (A, "VM.Audit", "/vms/666", True)],
    ),
    (
        "a token has what both it and its user have",
        [("/", A, "PVEAuditor", True), ("/", TOKEN, "JustPower", True), ("/", TOKEN, "PVEAuditor", True)],
        [(TOKEN, "VM.Audit", "/vms/101", True), (TOKEN, "VM.PowerMgmt", "/vms/101", False)],
    ),
    ("and nothing without rights of its own", [("/", A, "PVEAuditor", True)], [(TOKEN, "VM.Audit", "/vms/101", False)]),
]  # fmt: skip


@pytest.mark.parametrize(("grants", "answers"), [row[1:] for row in GRANTS], ids=[row[0] for row in GRANTS])
async def test_acls(
    cluster: Cluster, grants: list[tuple[str, str, str, bool]], answers: list[tuple[str, str, str, bool]]
) -> None:
    cluster.add_role("JustPower", ["VM.PowerMgmt"])
    cluster.add_user(A)
    cluster.add_token(A, "bot")
    for path, who, role, propagate in grants:
        cluster.add_acl(path, who, role, propagate=propagate)
    for who, privilege, path, answer in answers:
        assert may(cluster, who, privilege, path) is answer, (who, privilege, path)


async def test_a_token_without_privilege_separation_is_its_user(cluster: Cluster) -> None:
    cluster.add_user(A, {"/": "PVEAuditor"})
    token = cluster.add_token(A, "whole", privsep=False)
    assert may(cluster, token.partition("=")[0], "VM.Audit", "/vms/101")


async def test_own_permissions(cluster: Cluster) -> None:
    """The value is the propagate flag; what comes from a pool does not propagate, and is granted all the same."""
    async with speaking(cluster, "pool") as pool:
        found = await pool.get("/access/permissions")
    assert found["/pool/prod"] == {
        "VM.Audit": 1, "VM.PowerMgmt": 1, "VM.Backup": 1, "VM.Config.Disk": 1, "Datastore.AllocateSpace": 1,
    }  # fmt: skip
    assert found["/vms/101"] == dict.fromkeys(found["/pool/prod"], 0)
    assert "/" not in found
    async with speaking(cluster, "noacl") as noacl:
        assert await noacl.get("/access/permissions") == {}
        assert await noacl.refused("GET", "/access/permissions", params={"userid": "ana@pve"}) == (
            403,
            "Permission check failed (/access, Sys.Audit)",
        )
    async with speaking(cluster, "view") as view:
        assert (await view.get("/access/permissions?path=/vms/101"))["/vms/101"]["VM.Audit"] == 1


async def test_the_roles_are_those_of_the_version() -> None:
    async with served(version="8.4.21") as cluster:
        cluster.add_role("Agent", ["VM.Monitor"])
    async with served(version="9.1.11") as cluster:
        with pytest.raises(ValueError, match=r"invalid privilege 'VM\.Monitor'"):
            cluster.add_role("Agent", ["VM.Monitor"])


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "No ticket"),
        ("Basic abc", "No ticket"),
        ("PVEAPIToken=nonsense", "no tokenid specified"),
        ("PVEAPIToken=telemox@pve!view=00000000-0000-0000-0000-000000000000", "invalid token value!"),
        ("PVEAPIToken=telemox@pve!nope=0", "no such token 'nope' for user 'telemox@pve'"),
        ("PVEAPIToken=ghost@pve!x1=0", "no such user ('ghost@pve')"),
        ("PVEAPIToken=off@pve!x1=0", "user 'off@pve' is disabled"),
        ("PVEAPIToken=old@pve!x1=0", "user 'old@pve' access expired"),
        ("expired", "token 'expired' access expired"),
    ],
)
@pytest.mark.parametrize(
    ("version", "masked"), [("7.4-20", False), ("8.4.16", False), ("8.4.21", True), ("9.1.4", False), ("9.1.11", True)]
)
async def test_401(header: str | None, reason: str, version: str, masked: bool) -> None:
    async with served(version=version) as cluster, speaking(cluster) as anybody:
        cluster.add_user("off@pve", enabled=False)
        cluster.add_user("old@pve", expire=EPOCH - 1)
        if header == "expired":
            header = f"PVEAPIToken={cluster.tokens['expired']}"
        del anybody.client.headers["Authorization"]
        response = await anybody.ask("GET", "/version", headers={"Authorization": header} if header else {})
        assert response.status_code == 401
        assert response.content == b""
        assert response.reason_phrase == (MASKED if masked and reason != "No ticket" else reason)


@pytest.mark.parametrize("form", ["PVEAPIToken={}", "PVEAPIToken {}", "PVEAPIToken={}; x=1"])
async def test_the_header_may_look_several_ways(cluster: Cluster, form: str) -> None:
    async with speaking(cluster) as anybody:
        for token in (cluster.tokens["view"], cluster.tokens["view"].replace("!", "%21").replace("@", "%40")):
            response = await anybody.ask("GET", "/version", headers={"Authorization": form.format(token)})
            assert response.status_code == 200


async def test_the_order_of_checks(cluster: Cluster) -> None:
    """Who, which method, allowed?, which node, are the parameters right?"""
    cluster.set_fault("node_off", True, "pve2")
    async with speaking(cluster, "view") as view:
        path = "/nodes/pve2/qemu/102/status/start"
        assert await view.refused("POST", path, data={"nonsense": 1}) == (
            403,
            "Permission check failed (/vms/102, VM.PowerMgmt)",
        )
        assert (await view.refused("POST", "/nodes/pve2/qemu/999999/status/start"))[0] == 403  # leaks nothing
    async with speaking(cluster, "power") as power:
        assert await power.refused("POST", path, data={"nonsense": 1}) == (595, "No route to host")
        assert (await power.refused("POST", "/nodes/pve1/qemu/101/status/start", data={"nonsense": 1}))[0] == 400
        assert (await power.refused("POST", "/nodes/pve2/qemu/102/nonsense"))[0] == 501


async def test_a_token_without_rights_sees_bare_nodes(cluster: Cluster) -> None:
    async with speaking(cluster, "noacl") as noacl:
        rows = await noacl.rows()
        assert set(rows) == {"node/pve1", "node/pve2", "node/pve3"}
        assert set(rows["node/pve1"]) == {"id", "node", "type", "status", "level", "cgroup-mode", "hastate"}
        assert await noacl.get("/nodes/pve1/qemu") == []
        assert await noacl.get("/pools") == []
        assert await noacl.get("/cluster/tasks") == []
        assert await noacl.refused("GET", "/cluster/status") == (403, "Permission check failed (/, Sys.Audit)")
        assert (await noacl.get("/version"))["release"] == "9.1"


async def test_a_token_that_sees_no_guest(cluster: Cluster) -> None:
    async with speaking(cluster, "blind") as blind:
        rows = await blind.rows()
        assert {row["type"] for row in rows.values()} == {"node", "storage"}
        assert rows["node/pve1"]["maxmem"] > 0


async def test_a_token_of_one_pool(cluster: Cluster) -> None:
    cluster.add_acl("/pool/prod", "telemox@pve!pool", "TelemoxView")
    async with speaking(cluster, "pool") as pool:
        guests = await pool.rows("vm")
        members = [guest for guest in cluster.world.guests.values() if guest.pool == "prod"]
        assert set(guests) == {guest.id for guest in members}
        assert {row["pool"] for row in guests.values()} == {"prod"}
        assert await pool.refused("POST", "/nodes/pve1/qemu/666/status/start") == (
            403,
            "Permission check failed (/vms/666, VM.PowerMgmt)",
        )
        assert [row["poolid"] for row in await pool.get("/pools")] == ["prod"]


async def test_tasks_belong_to_those_who_started_them(cluster: Cluster) -> None:
    async with speaking(cluster, "power") as power:
        own = await power.post("/nodes/pve1/qemu/113/status/start")
        listed = await power.get("/nodes/pve1/tasks", source="all")
        assert [(row["upid"], row["user"], row["tokenid"]) for row in listed] == [(own, "telemox@pve", "power")]
        assert await power.get("/cluster/tasks") == []  # without Sys.Audit on /, not even its own
        await power.log(own)
        foreign = cluster.tasks("vzdump")[0].upid
        assert await power.refused("GET", f"/nodes/pve1/tasks/{foreign}/log") == (
            403,
            "Permission check failed (/nodes/pve1, Sys.Audit)",
        )
        assert await power.refused("DELETE", f"/nodes/pve1/tasks/{foreign}") == (
            403,
            "Permission check failed (/nodes/pve1, Sys.Modify)",
        )
    async with speaking(cluster, "view") as view:
        assert own in {row["upid"] for row in await view.get("/nodes/pve1/tasks")}
        assert own in {row["upid"] for row in await view.get("/cluster/tasks")}


async def test_backups_show_only_to_those_who_could_take_them(cluster: Cluster) -> None:
    path = "/nodes/pve1/storage/nas-backup/content"
    async with speaking(cluster, "view") as view:
        assert {row["content"] for row in await view.get(path)} == {"iso"}
    async with speaking(cluster, "root") as root:
        backups = await root.get(path, content="backup", vmid=101)
        assert len(backups) == 3
        assert backups[0]["volid"].startswith("nas-backup:backup/vzdump-qemu-101-")
        assert {row["subtype"] for row in backups} == {"qemu"}
    cluster.add_role("Backups", ["Datastore.AllocateSpace", "Datastore.Audit", "VM.Backup"])
    token = cluster.add_token("root@pam", "some", {"/storage": "Backups", "/vms/101": "Backups"})
    async with speaking(cluster, token) as some:
        assert {row["vmid"] for row in await some.get(path, content="backup")} == {101}


@pytest.mark.parametrize(
    ("version", "role"), [("7.4-20", "VM.Monitor"), ("8.4.21", "VM.Monitor"), ("9.1.11", "VM.GuestAgent.Audit")]
)
async def test_the_agent_takes_a_privilege_of_the_version(version: str, role: str) -> None:
    path = "/nodes/pve1/qemu/101/agent/network-get-interfaces"
    async with served(version=version) as cluster:
        cluster.add_role("Agent", [role])
        blind = cluster.tokens["blind"]
        wanted = role if role == "VM.Monitor" else "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted"
        async with speaking(cluster, blind) as view:
            assert await view.refused("GET", path) == (403, f"Permission check failed (/vms/101, {wanted})")
        token = cluster.add_token("root@pam", "agent", {"/vms": "Agent"})
        async with speaking(cluster, token) as agent:
            result = (await agent.get(path))["result"]
            assert [row["name"] for row in result] == ["lo", "ens18"]
