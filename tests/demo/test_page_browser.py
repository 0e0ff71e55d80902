"""The chat page in a real Chromium: what people see and press."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from bot.demo.telegram import BotApi, Chat, User
from bot.demo.telegram.page import Page
from tests.browser import MARKS, WIDTH, tab, watch

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)  # one pixel
HOSTILE = 'web<1>_&"<img src=x onerror=document.title=1>'

pytestmark = MARKS


class Faults:
    """A cluster that can break in one way, at one of two places."""

    def __init__(self) -> None:
        self.aimed: list[str] = []
        self.calls: list[tuple[bool, str]] = []

    def faults(self) -> Sequence[Mapping[str, object]]:
        row = {"key": "off", "label": "Node off", "help": HOSTILE, "targets": ["pve1", HOSTILE], "one": True}
        return [row | {"on": bool(self.aimed), "target": (self.aimed or [""])[-1], "aimed": self.aimed}]

    def set_fault(self, key: str, on: bool, target: str = "") -> None:
        self.calls.append((on, target))
        self.aimed = [*(t for t in self.aimed if t != target), *([target] if on else [])]


class Phone:
    """One page at 390 px, the stand-in behind it, and the bot's side by hand."""

    def __init__(self, api: BotApi, page: Any, expect: Any, http: httpx.AsyncClient, chat: Chat, user: User) -> None:
        self.api, self.page, self._http, self.chat, self.user = api, page, http, chat, user
        self.expect = expect
        self.faults = Faults()
        self.errors = watch(page)

    async def bot(self, method: str, **params: Any) -> Any:
        url = f"{self.api.base_url}/bot{self.api.token}/{method}"
        answer = (await self._http.post(url, json={"chat_id": self.chat.id, **params})).json()
        assert answer["ok"], answer
        return answer["result"]

    async def upload(self, method: str, kind: str, name: str, content: bytes) -> None:
        url = f"{self.api.base_url}/bot{self.api.token}/{method}"
        sent = await self._http.post(url, data={"chat_id": str(self.chat.id)}, files={kind: (name, content)})
        assert sent.json()["ok"], sent.text

    @property
    def last(self) -> Any:
        return self.page.get_by_test_id("message").last


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with BotApi() as api, httpx.AsyncClient() as http, tab() as (shown, expect):
        ana = api.user(1, HOSTILE)
        chat = api.private(ana)
        faults = Faults()
        page = Page(api, faults, notes={1: "admin"})
        await page.start()
        phone = Phone(api, shown, expect, http, chat, ana)
        phone.faults = faults
        await shown.goto(page.url)
        yield phone
        assert phone.errors == []
        await page.stop()


async def height(element: Any) -> float:
    """In pixels. A message that is drawn anew at the very moment of measuring has none: then it is measured again."""
    for _ in range(100):
        if box := await element.bounding_box():
            return float(box["height"])
        await asyncio.sleep(0.01)
    raise AssertionError("it is never there")


async def test_a_talk(phone: Phone) -> None:
    page, expect = phone.page, phone.expect
    await expect(page.get_by_test_id("input")).to_be_visible()  # a first visitor may type at once
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("start")).to_be_hidden()
    await phone.api.wait_for(lambda: len(phone.api.messages(1)) == 1)
    assert phone.api.messages(1)[0].text == "/start"

    rows = [
        [{"text": "Reboot", "callback_data": "r", "style": "danger"}, {"text": "Web", "url": "https://a.example"}],
        [{"text": HOSTILE, "copy_text": {"text": "x"}}],
    ]
    html = f"<b>Hello</b> {HOSTILE.replace('&', '&amp;').replace('<', '&lt;')}\n<pre>a\nb</pre>\n/vms"
    await phone.bot("sendMessage", text=html, parse_mode="HTML", reply_markup={"inline_keyboard": rows})
    await expect(phone.last.locator("strong")).to_have_text("Hello")
    await expect(phone.last.get_by_test_id("text")).to_contain_text(HOSTILE)
    await expect(phone.last.get_by_test_id("button")).to_have_text(["Reboot", "Web", HOSTILE])
    assert await page.locator("#messages img").count() == 0, "a name became markup"
    assert await page.evaluate("document.documentElement.scrollWidth") == WIDTH, "it scrolls sideways"

    await phone.last.get_by_role("button", name="Reboot").click()
    await phone.api.wait_for(lambda: bool(phone.api.world.tapped))
    tapped = next(iter(phone.api.world.tapped))
    await expect(phone.last.get_by_role("button", name="Reboot")).to_have_attribute("aria-busy", "true")
    await phone.bot("answerCallbackQuery", callback_query_id=tapped, text=HOSTILE)
    await expect(page.get_by_test_id("toast")).to_have_text(HOSTILE)

    message = phone.api.last(1)
    await phone.bot("editMessageText", message_id=message.id, text="done")
    await expect(phone.last.get_by_test_id("text")).to_have_text("done")
    await expect(phone.last.get_by_test_id("edited")).to_be_visible()
    await expect(phone.last.get_by_test_id("button")).to_have_count(0)

    await phone.bot("deleteMessage", message_id=message.id)
    await expect(page.get_by_test_id("message")).to_have_count(1)


async def test_nothing_can_be_typed_before_a_chat_is_known(phone: Phone) -> None:
    loaded = asyncio.Event()

    async def wait(route: Any) -> None:
        await loaded.wait()
        await route.continue_()

    await phone.page.route("**/state", wait)
    await phone.page.reload()
    await phone.expect(phone.page.get_by_test_id("input")).to_be_disabled()
    loaded.set()
    await phone.expect(phone.page.get_by_test_id("input")).to_be_enabled()


async def test_an_alert_waits_for_its_ok(phone: Phone) -> None:
    await phone.api.say(phone.chat, phone.user, "hi")
    keys = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    await phone.bot("sendMessage", text="x", reply_markup=keys)
    await phone.last.get_by_role("button", name="Go").click()
    await phone.api.wait_for(lambda: bool(phone.api.world.tapped))
    await phone.bot(
        "answerCallbackQuery", callback_query_id=next(iter(phone.api.world.tapped)), text="No", show_alert=True
    )
    alert = phone.page.get_by_test_id("alert")
    await phone.expect(alert).to_contain_text("No")
    await alert.get_by_role("button", name="OK").click()
    await phone.expect(alert).to_be_hidden()


async def test_menu_and_completion(phone: Phone) -> None:
    page, expect = phone.page, phone.expect
    await phone.api.say(phone.chat, phone.user, "hi")
    commands = [{"command": "status", "description": "the cluster"}, {"command": "vms", "description": "the guests"}]
    await phone.bot("setMyCommands", commands=commands)
    await page.get_by_test_id("menu-button").click()
    await expect(page.get_by_test_id("command-menu").get_by_role("option")).to_have_count(2)
    await page.get_by_test_id("menu-button").click()
    await page.get_by_test_id("input").fill("/s")
    await expect(page.get_by_test_id("command-menu").get_by_role("option")).to_have_count(1)
    await page.get_by_test_id("command-status").click()
    await expect(phone.last.get_by_test_id("text")).to_have_text("/status")
    await page.get_by_test_id("input").fill("/vm web")
    await page.keyboard.press("Enter")
    await expect(phone.last.get_by_test_id("text")).to_have_text("/vm web")


async def test_a_group_with_topics_and_voices(phone: Phone) -> None:
    page, expect = phone.page, phone.expect
    phone.api.user(2, "Ben")
    ops = phone.api.group(-1005, "Ops", forum=True)
    topic = phone.api.topic(ops, "Alerts")
    await page.get_by_role("button", name="All chats").click()
    await page.get_by_test_id("chat--1005").click()
    await page.get_by_test_id(f"topic-{topic}").click()
    await page.get_by_test_id("as-2").click()
    await page.get_by_test_id("input").fill("/status")
    await page.get_by_test_id("send").click()
    await expect(phone.last.get_by_test_id("text")).to_have_text("/status")
    said = phone.api.messages(ops)[0]
    assert said.sender is not None
    assert (said.sender.id, said.topic) == (2, topic)
    await page.get_by_test_id("as-anonymous").click()
    await page.get_by_test_id("input").fill("me")
    await page.get_by_test_id("send").click()
    await expect(phone.last.get_by_test_id("text")).to_have_text("me")
    assert phone.api.messages(ops)[1].anonymous
    await page.get_by_test_id("topic-general").click()
    await expect(page.get_by_test_id("message")).to_have_count(0)


async def test_faults_by_switch(phone: Phone) -> None:
    page, expect = phone.page, phone.expect
    await page.get_by_role("button", name="Faults").click()
    switch = page.get_by_test_id("fault-off")
    await page.get_by_test_id("target-off").select_option(HOSTILE)
    await switch.click()
    await expect(page.get_by_test_id("cluster-faults").locator("b")).to_have_text(f" · {HOSTILE}")
    assert phone.faults.aimed == [HOSTILE]
    await page.get_by_test_id("target-off").select_option(HOSTILE)  # where it is already: nothing happens
    await page.get_by_test_id("target-off").select_option("pve1")  # it moves
    await expect(page.get_by_test_id("cluster-faults").locator("b")).to_have_text(" · pve1")
    assert phone.faults.calls == [(True, HOSTILE), (False, HOSTILE), (True, "pve1")]
    await switch.click()
    await expect(page.get_by_test_id("cluster-faults").locator("b")).to_have_count(0)
    assert phone.faults.aimed == []
    await page.get_by_test_id("mischief-cut").click()
    await expect(page.get_by_test_id("mischief-cut")).to_have_text("2 left")
    assert phone.api.cuts == 2


async def test_an_age_is_counted_by_the_page_itself(phone: Phone) -> None:
    """Nobody edits the message meanwhile: the bot may be dead."""
    at = int(time.time()) - 185
    markup = f'all well, seen <tg-time unix="{at}" format="r">24 Nov 14:02</tg-time>\nbelow'
    sent = await phone.bot("sendMessage", text=markup, parse_mode="HTML")
    assert phone.api.messages(phone.chat.id)[-1].html == markup
    await phone.expect(phone.last.get_by_test_id("text")).to_have_text("all well, seen 3 minutes ago\nbelow")
    await phone.bot("pinChatMessage", message_id=sent["message_id"])
    bar = phone.page.get_by_test_id("pinned-bar")
    await phone.expect(bar).to_contain_text("all well, seen 3 minutes ago")
    await phone.page.evaluate("Date.now = (then => () => then() + 3600e3)(Date.now)")
    await phone.expect(bar).to_contain_text("seen 1 hour ago")
    await phone.expect(phone.last.get_by_test_id("text")).to_contain_text("seen 1 hour ago")


async def test_pictures_files_folds_and_pins(phone: Phone) -> None:
    page, expect = phone.page, phone.expect
    await phone.api.say(phone.chat, phone.user, "hi")
    folded = "<blockquote expandable>1\n2\n3\n4\n5\n6</blockquote>"
    sent = await phone.bot("sendMessage", text=folded, parse_mode="HTML", disable_notification=True)
    fold = phone.last.get_by_test_id("folded")
    closed = await height(fold)
    await fold.click()
    assert await height(fold) > closed
    await expect(phone.last.get_by_test_id("silent")).to_be_visible()
    await phone.bot("pinChatMessage", message_id=sent["message_id"])
    await expect(page.get_by_test_id("pinned-bar")).to_contain_text("1")
    await phone.upload("sendDocument", "document", 'log"<1>.txt', b"all of it")
    async with page.expect_download() as downloading:
        await phone.last.get_by_test_id("document").click()
    path = await (await downloading.value).path()
    assert await asyncio.to_thread(path.read_bytes) == b"all of it"
    await phone.upload("sendPhoto", "photo", "cpu.png", PNG)
    await expect(phone.last.get_by_test_id("photo").locator("img")).to_have_js_property("naturalWidth", 1)
    await phone.last.get_by_test_id("photo").click()
    await expect(page.get_by_role("dialog", name="Picture")).to_be_visible()


async def test_replies_deletions_and_pins_in_a_topic(phone: Phone) -> None:
    """What alerts do in a group: a reply quotes, two pins take turns, another topic counts, a deleted one is gone."""
    page, expect, ana = phone.page, phone.expect, phone.user
    ops = phone.api.group(-1009, "Ops", forum=True, bot_admin=True)
    phone.api.member(ops, ana, "creator")
    topic = phone.api.topic(ops, "Alerts")
    phone.chat = ops
    await page.reload()
    await page.get_by_role("button", name="All chats").click()
    await page.get_by_test_id("chat--1009").click()
    card = await phone.bot("sendMessage", text=HOSTILE, message_thread_id=topic)
    await expect(page.get_by_test_id(f"topic-{topic}")).to_contain_text("1")
    await page.get_by_test_id(f"topic-{topic}").click()
    await expect(page.get_by_test_id(f"topic-{topic}")).to_have_text("Alerts")
    await expect(phone.last.get_by_test_id("sound")).to_be_visible()
    reply = {"message_id": card["message_id"]}
    second = await phone.bot("sendMessage", text="green", reply_parameters=reply, disable_notification=True)
    await expect(phone.last.get_by_test_id("reply")).to_contain_text(HOSTILE[:40])
    await expect(phone.last.get_by_test_id("silent")).to_be_visible()

    for sent in (card, second):
        await phone.bot("pinChatMessage", message_id=sent["message_id"], disable_notification=True)
    bar = page.get_by_test_id("pinned-bar")
    await expect(bar).to_contain_text("2 of 2")
    await bar.click()
    await expect(bar).to_contain_text("1 of 2")

    shown = page.locator(f"[data-id='{card['message_id']}']")
    await shown.get_by_test_id("more").click()
    await page.get_by_test_id("reply-to").click()
    await expect(page.get_by_test_id("answering")).to_contain_text(HOSTILE[:40])
    await page.get_by_test_id("input").fill("seen")
    await page.get_by_test_id("send").click()
    await expect(page.get_by_test_id("answering")).to_be_hidden()
    await expect(phone.last.get_by_test_id("reply")).to_contain_text(HOSTILE[:40])

    await shown.get_by_test_id("more").click()
    await page.get_by_test_id("delete").click()
    await expect(shown).to_have_count(0)
    await expect(bar).not_to_contain_text("of")
    await expect(phone.last.get_by_test_id("reply")).to_have_text("deleted message")
    assert await page.evaluate("document.documentElement.scrollWidth") == WIDTH, "it scrolls sideways"


class Many(Faults):
    """Faults of two subjects, one of which is over as soon as it has happened."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def faults(self) -> Sequence[Mapping[str, object]]:
        once = {
            "key": "once",
            "group": "Guests",
            "label": "Crash",
            "help": "",
            "targets": [],
            "one": True,
            "once": True,
        }
        first = {**super().faults()[0], "group": "Nodes", "rule": "3 node_offline"}
        return [first, once | {"on": False, "target": "", "aimed": [], "rule": "7 guest_stopped_by_itself"}]

    def set_fault(self, key: str, on: bool, target: str = "") -> None:
        if key == "once":
            self.done.append(key)
        else:
            super().set_fault(key, on, target)


async def test_faults_by_subject() -> None:
    cluster = Many()
    async with BotApi() as api, tab() as (page, expect):
        api.private(api.user(1, HOSTILE))
        served = Page(api, cluster)
        await served.start()
        errors = watch(page)
        await page.goto(served.url)
        await page.get_by_role("button", name="Faults").click()
        await expect(page.get_by_test_id("fault-off")).to_be_visible()
        await expect(page.get_by_test_id("cluster-faults")).to_contain_text("3 node_offline")
        await expect(page.get_by_test_id("fault-once")).to_be_hidden()
        await page.get_by_test_id("group-1").locator("summary").click()
        await page.get_by_test_id("fault-off").click()
        await expect(page.get_by_test_id("group-0").locator("summary")).to_contain_text("1")
        await expect(page.get_by_test_id("fault-once")).to_be_visible()  # what is unfolded stays so
        await page.get_by_test_id("fault-once").click()
        await expect(page.get_by_test_id("clear-faults")).to_be_visible()
        await page.get_by_test_id("clear-faults").click()
        await expect(page.get_by_test_id("clear-faults")).to_be_hidden()
        assert (cluster.aimed, cluster.done) == ([], ["once"])
        await expect(page.get_by_test_id("time")).to_be_hidden()
        assert await page.evaluate(
            "document.querySelector('.panel').scrollWidth <= document.querySelector('.panel').clientWidth"
        )
        assert errors == []
        await served.stop()
