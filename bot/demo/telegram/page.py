"""The chat page: the people's phones in a browser, live over server-sent events, driven by the same calls as tests.

GET  /                          the page                  GET  /events             what changes, as it happens
GET  /state                     all there is to draw      GET  /files/{id}         a picture or a document
GET  /chats                     the chats                 GET  /chats/{id}/messages
POST /chats/{id}/say            {"user": 1, "text": "/status", "topic": 5, "anonymous": false}
POST /chats/{id}/tap            {"user": 1, "message": 7, "data": "…"} → the toast, once the bot answered
POST /chats/{id}/delete         {"user": 1, "message": 7}
GET  /control/faults            of the cluster            POST /control/faults     {"key", "on", "target"}
GET  /control/telegram          of the Bot API            POST /control/telegram   {"key"}
GET  /control/time              of the cluster            POST /control/time       {"speed": 10} or {"skip": 3600}
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.demo.telegram.api import BotApi
from bot.demo.telegram.controls import Controls, Faults, Wrong, read_body, tell_wrong, to_json
from bot.demo.telegram.guard import Guard
from bot.demo.telegram.mischief import Mischief
from bot.demo.telegram.serve import Serving
from bot.demo.telegram.view import chat_view, message_view, state_view
from bot.demo.telegram.world import Chat, Message, User

STATIC = Path(__file__).parent / "static"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
ANSWER_TIMEOUT = 15.0  # seconds a tap waits for its toast
BACKLOG = 500  # events that a page may fall behind before it is told to load anew
KEEPALIVE = 15.0  # seconds


class Page:
    """`await start()` → `url`. `notes`: what to say about a person, by id ("admin")."""

    def __init__(
        self, api: BotApi, cluster: Faults | None = None, *, notes: Mapping[int, str] | None = None, port: int = 0
    ) -> None:
        self.api = api
        self.controls = Controls(cluster, Mischief(api), lambda: self._send({"kind": "faults"}))
        self._notes = notes or {}
        self._listeners: set[asyncio.Queue[object]] = set()
        routes = [
            Route("/", self._static),
            Route("/static/{name}", self._static),
            Route("/state", self._state),
            Route("/events", self._events),
            Route("/files/{id}", self._file),
            Route("/chats", self._chats),
            Route("/chats/{chat}/messages", self._messages),
            Route("/chats/{chat}/say", self._say, methods=["POST"]),
            Route("/chats/{chat}/tap", self._tap, methods=["POST"]),
            Route("/chats/{chat}/delete", self._delete, methods=["POST"]),
            *self.controls.routes,
        ]
        app = Starlette(routes=routes, exception_handlers={Wrong: tell_wrong})
        self._serving = Serving(Guard(app, lambda: self._serving.port), port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._serving.port}/"

    async def start(self) -> None:
        await self._serving.start()
        self.api.world.watchers.append(self._tell)

    async def stop(self) -> None:
        if self._tell in self.api.world.watchers:
            self.api.world.watchers.remove(self._tell)
        await self._serving.stop()

    async def _static(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        path = next((file for file in STATIC.iterdir() if file.name == name and file.suffix in TYPES), None)
        if path is None:
            return Response("no such file\n", 404)
        return Response(path.read_bytes(), media_type=TYPES[path.suffix], headers={"cache-control": "no-store"})

    async def _state(self, request: Request) -> Response:
        return to_json(state_view(self.api, self._notes))

    async def _events(self, request: Request) -> Response:
        queue: asyncio.Queue[object] = asyncio.Queue(BACKLOG)
        self._listeners.add(queue)

        async def stream() -> AsyncIterator[str]:
            try:
                yield "retry: 1000\n\n"
                while True:
                    try:
                        event = await asyncio.wait_for(queue.get(), KEEPALIVE)
                    except TimeoutError:
                        yield ": still here\n\n"
                        continue
                    yield f"data: {json.dumps(event)}\n\n"
            finally:
                self._listeners.discard(queue)

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def _file(self, request: Request) -> Response:
        media = self.api.world.files.get(request.path_params["id"])
        if media is None:
            return Response("no such file\n", 404)
        if media.kind == "photo":
            kind = "image/png" if media.content.startswith(b"\x89PNG") else "image/jpeg"
            return Response(media.content, media_type=kind)
        # Whatever it claims to be, it is only ever saved.
        disposition = f"attachment; filename*=UTF-8''{quote(media.name, safe='')}"
        headers = {"content-disposition": disposition}
        return Response(media.content, media_type="application/octet-stream", headers=headers)

    async def _chats(self, request: Request) -> Response:
        return to_json([chat_view(self.api, chat) for chat in self.api.world.chats.values()])

    async def _messages(self, request: Request) -> Response:
        return to_json([message_view(m) for m in self._chat(request).messages()])

    async def _say(self, request: Request) -> Response:
        chat, body = self._chat(request), await read_body(request)
        text = body.get("text")
        if not isinstance(text, str) or not text.strip() or len(text) > 4096:
            raise Wrong("text: 1 to 4096 characters")
        topic = body.get("topic")
        if topic is not None and (type(topic) is not int or topic not in chat.topics):
            raise Wrong("topic: there is none such")
        reply_to = body.get("reply_to")
        message = await self.api.say(
            chat,
            self._user(body),
            text,
            topic,
            anonymous=bool(body.get("anonymous")) and chat.type == "supergroup",
            reply_to=chat.find(reply_to) if isinstance(reply_to, int) else None,
        )
        return to_json(message_view(message))

    async def _tap(self, request: Request) -> Response:
        chat, body = self._chat(request), await read_body(request)
        data, number = body.get("data"), body.get("message")
        if not isinstance(data, str) or not isinstance(number, int):
            raise Wrong("message and data: which button of which message")
        message = chat.find(number)
        if message is None:
            raise Wrong("message: it is gone")
        tapped = self.api.press(message, data, self._user(body))
        try:
            answer = await self.api.answered(tapped, ANSWER_TIMEOUT)
        except TimeoutError:
            return to_json({"answered": False})
        return to_json({"answered": True, "text": answer.text, "alert": answer.alert, "url": answer.url})

    async def _delete(self, request: Request) -> Response:
        chat, body = self._chat(request), await read_body(request)
        number = body.get("message")
        message = chat.find(number) if isinstance(number, int) else None
        if message is None:
            raise Wrong("message: it is gone")
        try:
            self.api.delete(message, self._user(body))
        except PermissionError:
            raise Wrong("only its author and the group's administrators may delete it") from None
        return to_json({"deleted": True})

    def _chat(self, request: Request) -> Chat:
        try:
            return self.api.world.chats[int(request.path_params["chat"])]
        except (KeyError, ValueError):
            raise Wrong("chat: there is none such") from None

    def _user(self, body: Mapping[str, Any]) -> User:
        user = self.api.world.users.get(body["user"]) if isinstance(body.get("user"), int) else None
        if user is None or user.is_bot:
            raise Wrong("user: there is none such")
        return user

    def _tell(self, kind: str, thing: object) -> None:
        """Something changed in the world."""
        match kind, thing:
            case (("message" | "edit"), Message()):
                self._send({"kind": "message", "chat": thing.chat.id, "message": message_view(thing)})
            case "delete", Message():
                self._send({"kind": "delete", "chat": thing.chat.id, "id": thing.id})
            case "action", (Chat() as chat, str(action)):
                self._send({"kind": "action", "chat": chat.id, "action": action})
            case (("chat" | "commands"), _):
                self._send({"kind": "state"})
            case _:
                pass

    def _send(self, event: object) -> None:
        for queue in self._listeners:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait({"kind": "state"})
            else:
                queue.put_nowait(event)
