"""The dead man's switch: an address requested after each good cycle. Who stops hearing it knows that nobody watches.

The address may hold a secret (it does at every public service of the kind), so that no log names it.
"""

import asyncio
import logging

import httpx

from bot.ports import Clock

log = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds in which the head of the answer has to be there, all redirections included."""
LEAST = 10.0
"""Seconds between two requests, however quick the polls are."""


class Heartbeat:
    def __init__(self, url: str, clock: Clock, *, least: float = LEAST, timeout: float = TIMEOUT) -> None:
        self._url = url
        self._clock = clock
        self._least = least
        self._timeout = timeout
        self._last: float | None = None  # monotonic, of the last request
        self._busy = False
        self._well = True
        # no proxies or netrc of the environment: what is requested is what the setting says
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=True, trust_env=False)

    async def beat(self) -> None:
        """Never raises. One request at a time; what fails is said in the log once, and not made up for."""
        now = self._clock.monotonic()
        if self._busy or (self._last is not None and now - self._last < self._least):
            return
        self._busy, self._last = True, now
        try:
            # of the answer its status alone is of use: a body can be of any length, and never end
            async with asyncio.timeout(self._timeout), self._client.stream("GET", self._url) as answer:
                trouble = "" if answer.is_success else f"it answers {answer.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # TimeoutError is an OSError
            trouble = type(error).__name__
        finally:
            self._busy = False
        if trouble and self._well:
            log.warning("the heartbeat address cannot be requested: %s", trouble)
        elif not trouble and not self._well:
            log.info("the heartbeat address answers again")
        self._well = not trouble

    async def close(self) -> None:
        await self._client.aclose()
