"""The demo as a whole: both servers, the settings for the bot, and the process that ends with its parent."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from bot.demo import ANA, BEN, HOME, MALLORY, OPS, VERA, Demo, free_port


def exists(path: Path) -> bool:
    return path.exists()


async def test_settings_point_at_servers_that_answer() -> None:
    async with Demo(guests=10) as demo:
        settings = demo.settings
        context = ssl.create_default_context(cafile=settings["TELEMOX_PVE_CA_FILE"])
        host = settings["TELEMOX_PVE_HOSTS"].split(",")[0]
        async with httpx.AsyncClient(verify=context) as http:
            for role in ("VIEW", "POWER", "ADMIN"):
                token = {"authorization": f"PVEAPIToken={settings[f'TELEMOX_PVE_{role}_TOKEN']}"}
                version = await http.get(f"https://{host}/api2/json/version", headers=token)
                assert version.status_code == 200, role
            base, token_ = settings["TELEMOX_TELEGRAM_BASE_URL"], settings["TELEMOX_TELEGRAM_TOKEN"]
            assert (await http.get(f"{base}/bot{token_}/getMe")).json()["ok"]
            faults = (await http.get(demo.url + "control/faults")).json()
            assert {"key", "label", "help", "on", "target", "targets"} <= set(faults[0])
        assert settings["TELEMOX_ADMINS"] == str(ANA)
        assert settings["TELEMOX_OPERATORS"] == str(BEN)
        assert settings["TELEMOX_VIEWERS"] == f"{VERA},{OPS},{HOME}"
        assert str(MALLORY) not in ",".join(v for k, v in settings.items() if k.endswith("S"))
        folder = Path(settings["TELEMOX_DATA_DIR"])
        assert exists(folder)
    assert not exists(folder.parent), "nothing stays behind"


async def test_what_may_be_tried_there_is_taken_from_the_environment() -> None:
    mine = {
        "TELEMOX_LISTEN": "0.0.0.0:9123",
        "TELEMOX_NOTIFY_SECRET": "a-secret-of-my-own-0123",
        "TELEMOX_HEARTBEAT_URL": "http://127.0.0.1:9/ping",
        "TELEMOX_ALERTS__POLL_SECONDS": "7",
        "TELEMOX_ALERTS__STORAGE_FULL__WARNING": "50",
    }
    real = {
        "TELEMOX_TELEGRAM_TOKEN": "1:A",
        "TELEMOX_PVE_HOSTS": "pve1",
        "TELEMOX_ADMINS": "7",
        "TELEMOX_DATA_DIR": "/",
    }
    async with Demo(guests=10, environ={**mine, **real, "TELEMOX_DISKS_OFF": "", "HOME": "/"}) as demo:
        settings = demo.settings
        assert mine.items() <= settings.items()
        assert not real.items() & settings.items(), "the cluster, the chat and the people are the demo's"
        assert "TELEMOX_DISKS_OFF" not in settings
        assert demo.cluster.notifier.url == "http://127.0.0.1:9123/pve/notify"
        assert demo.cluster.notifier.secret == mine["TELEMOX_NOTIFY_SECRET"]
        assert settings["TELEMOX_ALERTS__TIME_SCALE"] == "0.1"


async def test_the_command_listens_where_the_environment_says() -> None:
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TELEMOX_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--port", "0", "--no-browser", "--guests", "5"),
        env=clean | {"TELEMOX_LISTEN": f"127.0.0.1:{port}"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while f"http://127.0.0.1:{port}/healthz" not in (line := (await process.stdout.readline()).decode()):
                assert line, "it has ended"
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"http://127.0.0.1:{port}/metrics")).status_code == 200
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def test_a_taken_port_leaves_nothing_behind() -> None:
    async with Demo(guests=10) as demo:
        port = httpx.URL(demo.url).port
        second = Demo(guests=10, port=port or 0)
        with pytest.raises(OSError, match="in use"):
            await second.start()
        with pytest.raises(RuntimeError):
            _ = second.settings


async def start(stdin: int = subprocess.PIPE) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.demo", "--guests", "10"),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.parametrize("how", ["input ends", "SIGTERM"])
async def test_the_process_says_where_it_is_and_ends_when_told(how: str) -> None:
    process = await start()
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(30):
        line = json.loads(await process.stdout.readline())
        async with httpx.AsyncClient() as http:
            assert (await http.get(line["url"])).status_code == 200
        if how == "SIGTERM":
            process.terminate()
        else:
            process.stdin.close()
        assert await process.wait() == 0
        assert await process.stderr.read() == b""
    assert not exists(Path(line["settings"]["TELEMOX_DATA_DIR"]))


async def test_the_process_says_why_it_ends_to_whoever_gave_it_no_input() -> None:
    process = await start(subprocess.DEVNULL)
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode == 0
    assert said.decode() == "The demo ends, since its standard input has: keep that open.\n"
