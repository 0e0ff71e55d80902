"""The chat page over HTTP: who may drive it, what it says, and that foreign web sites may not."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from bot.demo.telegram import BotApi, Chat
from bot.demo.telegram.page import Page

HOSTILE = 'web<1>_&"'


class Faults:
    """A cluster that can break in one way."""

    def __init__(self) -> None:
        self.on, self.target = False, ""

    def faults(self) -> Sequence[Mapping[str, object]]:
        row = {"key": "off", "label": "Node off", "help": "", "on": self.on, "target": self.target}
        return [row | {"targets": ["pve1", "pve2"]}]

    def set_fault(self, key: str, on: bool, target: str = "") -> None:
        if key != "off":
            raise KeyError(key)
        self.on, self.target = on, target


class Stage:
    """The page, its API, one person, and a browser that is none."""

    def __init__(self, api: BotApi, page: Page, http: httpx.AsyncClient, faults: Faults) -> None:
        self.api, self.page, self.http, self.faults = api, page, http, faults
        self.ana = api.user(1, HOSTILE)
        self.chat: Chat = api.private(self.ana)

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        content = json.dumps(body)  # httpx alone would send no half characters
        return await self.http.post(path, content=content, headers={"content-type": "application/json", **headers})

    async def bot_says(self, text: str, **params: Any) -> Any:
        url = f"{self.api.base_url}/bot{self.api.token}/sendMessage"
        return (await self.http.post(url, json={"chat_id": 1, "text": text, **params})).json()["result"]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    faults = Faults()
    async with BotApi() as api:
        page = Page(api, faults, notes={1: "admin"})
        await page.start()
        async with httpx.AsyncClient(base_url=page.url, timeout=5) as http:
            yield Stage(api, page, http, faults)
        await page.stop()


async def test_the_page_and_its_parts_come_from_here_alone(stage: Stage) -> None:
    html = await stage.http.get("/")
    assert html.status_code == 200
    policy = html.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    for name in ("page.js", "page.css", "bubbles.js", "panel.js", "icon.svg"):
        part = await stage.http.get(f"/static/{name}")
        assert part.status_code == 200, name
        foreign = part.text.replace("http://www.w3.org", "").replace("`http://${address}`", "")
        assert "http://" not in foreign, name
        assert "https://" not in foreign, name
        assert "innerHTML" not in part.text
    for wrong in (
        "/static/..%2fpage.py",
        "/static/page.py",
        "/static/%2e%2e/view.py",
        f"/static/{'a' * 300}.js",
        "/static/%00.js",
    ):
        assert (await stage.http.get(wrong)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/state", {"host": "evil.example"}),
        ("GET", "/", {"host": "evil.example:80"}),
        ("GET", "/state", {"sec-fetch-site": "cross-site"}),
        ("GET", "/events", {"sec-fetch-site": "same-site"}),
        ("GET", "/state", {"origin": "http://evil.example"}),
        ("POST", "/control/faults", {"origin": "http://evil.example"}),
        ("POST", "/control/faults", {"origin": "null"}),
        ("POST", "/control/faults", {"origin": "http://127.0.0.1:1"}),
        ("POST", "/control/faults", {"sec-fetch-site": "same-site"}),
        ("POST", "/control/faults", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
        ("POST", "/control/faults", {"content-type": "text/plain"}),
        ("POST", "/control/faults", {"content-type": "application/x-www-form-urlencoded"}),
        ("PUT", "/control/faults", {}),
        ("OPTIONS", "/control/faults", {}),
    ],
)
async def test_foreign_sites_are_turned_away(stage: Stage, method: str, path: str, headers: dict[str, str]) -> None:
    body = json.dumps({"key": "off", "on": True}).encode()
    content = body if method != "GET" else None
    response = await stage.http.request(
        method, path, content=content, headers={"content-type": "application/json", **headers}
    )
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers
    assert not stage.faults.on


async def test_the_page_itself_and_curl_may(stage: Stage) -> None:
    here = stage.page.url.rstrip("/")
    for headers in ({}, {"origin": here, "sec-fetch-site": "same-origin"}):
        answer = await stage.post("/control/faults", {"key": "off", "on": True, "target": "pve2"}, **headers)
        assert answer.json()[0]["target"] == "pve2"
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert (await stage.http.get("/", headers=link)).status_code == 200
    assert (await stage.http.get("/control/faults")).json()[0]["on"] is True
    assert (await stage.post("/control/faults", {"key": "nonsense", "on": True})).status_code == 400


async def test_too_much_is_not_read(stage: Stage) -> None:
    response = await stage.post("/chats/1/say", {"user": 1, "text": "x" * 70_000})
    assert response.status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chats/9/say", {"user": 1, "text": "x"}),
        ("/chats/x/say", {"user": 1, "text": "x"}),
        ("/chats/1/say", {"user": 9, "text": "x"}),
        ("/chats/1/say", {"user": "1", "text": "x"}),
        ("/chats/1/say", {"user": 1087968824, "text": "x"}),
        ("/chats/1/say", {"user": 1, "text": "  "}),
        ("/chats/1/say", {"user": 1, "text": 5}),
        ("/chats/1/say", {"user": 1, "text": "x", "topic": 5}),
        ("/chats/1/say", {"user": 1, "text": "x", "topic": []}),
        ("/chats/1/say", {"user": 1, "text": "x", "topic": {}}),
        ("/chats/1/say", {"user": 1, "text": "x", "topic": 5.0}),
        ("/chats/1/say", {"user": [], "text": "x"}),
        ("/chats/1/say", {"user": 1, "text": "half \ud800"}),
        ("/chats/1/say", {"user": 1, "text": "x", "\udfff": 1}),
        ("/chats/1/tap", {"user": 1, "message": 1, "data": "\ud800"}),
        ("/control/telegram", {"key": ["x"]}),
        ("/control/faults", {"key": "\ud800", "on": True}),
        ("/chats/1/say", []),
        ("/chats/1/tap", {"user": 1, "message": 99, "data": "x"}),
        ("/chats/1/tap", {"user": 1, "data": "x"}),
        ("/control/telegram", {"key": "nonsense"}),
    ],
)
async def test_nonsense_is_told_so(stage: Stage, path: str, body: object) -> None:
    response = await stage.post(path, body)
    assert response.status_code == 400
    assert response.json()["error"]
    assert stage.api.updates.pending == 0


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"user":' * 6_000, b'{"user":' + b"9" * 9_000 + b"}", b"\xff", b""])
async def test_what_is_no_json_is_told_so(stage: Stage, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = await stage.http.post("/chats/1/say", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]


async def test_say_and_tap_as_a_person_does(stage: Stage) -> None:
    said = (await stage.post("/chats/1/say", {"user": 1, "text": "/status"})).json()
    assert (said["text"], said["name"], said["bot"]) == ("/status", HOSTILE, False)
    keys = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    sent = await stage.bot_says("hi", reply_markup=keys)
    tap = asyncio.ensure_future(stage.post("/chats/1/tap", {"user": 1, "message": sent["message_id"], "data": "go"}))
    await stage.api.wait_for(lambda: bool(stage.api.world.tapped))
    url = f"{stage.api.base_url}/bot{stage.api.token}/answerCallbackQuery"
    await stage.http.post(url, json={"callback_query_id": next(iter(stage.api.world.tapped)), "text": HOSTILE})
    assert (await tap).json() == {"answered": True, "text": HOSTILE, "alert": False, "url": ""}
    shown = (await stage.http.get("/chats/1/messages")).json()
    assert [m["text"] for m in shown] == ["/status", "hi"]
    state = (await stage.http.get("/state")).json()
    assert state["people"] == [{"id": 1, "name": HOSTILE, "note": "admin"}]
    assert (await stage.http.get("/chats")).json() == state["chats"]


async def test_events_tell_each_change(stage: Stage) -> None:
    async with stage.http.stream("GET", "/events") as events:
        lines = events.aiter_lines()

        async def next_event() -> Any:
            async for line in lines:
                if line.startswith("data: "):
                    return json.loads(line.removeprefix("data: "))
            raise AssertionError("the stream ended")

        assert await anext(lines) == "retry: 1000"
        await stage.bot_says("one")
        event = await next_event()
        assert (event["kind"], event["chat"], event["message"]["text"]) == ("message", 1, "one")
        stage.api.group(-5, "Ops")
        assert (await next_event())["kind"] == "state"


async def test_a_page_that_lags_is_told_to_load_anew(stage: Stage) -> None:
    async with stage.http.stream("GET", "/events") as events:
        assert await anext(events.aiter_lines()) == "retry: 1000"
        queue = next(iter(stage.page._listeners))
        for _ in range(501):  # none of these lets the loop run: the page cannot keep up
            await stage.api.say(stage.chat, stage.ana, "x")
        assert queue.get_nowait() == {"kind": "state"}
        assert queue.empty()


async def test_documents_are_only_ever_saved(stage: Stage) -> None:
    evil = b"<script>alert(1)</script>"
    url = f"{stage.api.base_url}/bot{stage.api.token}/sendDocument"
    await stage.http.post(url, data={"chat_id": "1"}, files={"document": ('a"\r\n<b>.html', evil, "text/html")})
    media = stage.api.last(stage.chat).document
    assert media is not None
    response = await stage.http.get(f"/files/{media.id}")
    assert response.content == evil
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment; filename*=UTF-8''a%")
    assert (await stage.http.get("/files/none")).status_code == 404


async def test_trouble_at_telegram_by_button(stage: Stage) -> None:
    stage.api.quota = 20
    group = stage.api.group(-5, "Home", supergroup=False)
    rows = (await stage.http.get("/control/telegram")).json()
    assert (await stage.post("/control/telegram", {"key": "kick"})).status_code == 200
    assert group.bot_status == "kicked"
    for row in rows:
        assert (await stage.post("/control/telegram", {"key": row["key"]})).status_code == 200
    left = {row["key"]: row["on"] for row in (await stage.http.get("/control/telegram")).json()}
    assert left == {
        "flood": 3, "error": 3, "cut": 2, "down": 1, "slow": 1, "quota": 1, "kick": 0, "upgrade": 0, "conflict": 3,
        "poll": 1, "odd": 0,
    }  # fmt: skip
    assert group.moved_to == -1_001_000_000_005
    assert (await stage.post("/control/telegram", {"key": "upgrade"})).json()["error"].startswith("there is no group")
    assert stage.api.quota == 0


async def test_somebody_deletes_a_message(stage: Stage) -> None:
    sent = await stage.bot_says("gone soon")
    body = {"user": 1, "message": sent["message_id"]}
    assert (await stage.post("/chats/1/delete", body)).json() == {"deleted": True}
    assert (await stage.http.get("/chats/1/messages")).json() == []
    assert (await stage.post("/chats/1/delete", body)).json() == {"error": "message: it is gone"}
    ops = stage.api.group(-7, "Ops")
    said = await stage.api.say(ops, stage.api.user(2, "Ben"), "mine")
    wrong = await stage.post("/chats/-7/delete", {"user": 1, "message": said.id})
    assert (wrong.status_code, wrong.json()["error"]) == (
        400, "only its author and the group's administrators may delete it",
    )  # fmt: skip


class Timed(Faults):
    """A cluster whose time can be moved, too."""

    def __init__(self) -> None:
        super().__init__()
        self.speed, self.skipped = 1.0, 0.0

    def skip(self, seconds: float) -> None:
        self.skipped += seconds


async def test_time_by_button() -> None:
    cluster = Timed()
    async with BotApi() as api:
        page = Page(api, cluster)
        await page.start()
        async with httpx.AsyncClient(base_url=page.url, timeout=5) as http:
            assert (await http.get("/control/time")).json() == {
                "timed": True, "speed": 1.0, "speeds": [1, 10, 60], "skips": [3_600, 86_400],
            }  # fmt: skip
            assert (await http.post("/control/time", json={"speed": 60})).json()["speed"] == 60
            await http.post("/control/time", json={"skip": 86_400})
            for wrong in ({}, {"speed": 7}, {"skip": -1}, {"skip": 1e99}, {"speed": "1"}, {"speed": 1, "skip": 3_600}):
                assert (await http.post("/control/time", json=wrong)).status_code == 400, wrong
        await page.stop()
    assert (cluster.speed, cluster.skipped) == (60.0, 86_400.0)


async def test_a_cluster_without_a_clock_has_none(stage: Stage) -> None:
    assert (await stage.http.get("/control/time")).json()["timed"] is False
    assert (await stage.post("/control/time", {"speed": 10})).status_code == 400
