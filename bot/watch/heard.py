"""What reaches the watch between its polls: notifications, strangers, and who wants everything read again."""

import logging

from bot.access import Asker
from bot.errors import StoreFailed
from bot.model.view import Push, Stranger
from bot.ports import Changes
from bot.watch.changing import Changing
from bot.watch.post import Post
from bot.watch.pushed import POINTS_TO
from bot.watch.table import merge

log = logging.getLogger(__name__)

AGAIN = 30.0
"""Seconds from one reading of everything to the next, at least."""


class Heard(Changing):
    _looked_again: float | None = None  # monotonic seconds

    async def push(self, push: Push, cluster: str = "") -> None:
        """A notification of Proxmox VE's own, for the next poll of `cluster`; that comes soon. Where it did not say
        which, or one that is not watched, it is the one whose node sent it.

        Raises: StoreFailed; it is told all the same, unless the process ends before. Crowded: it is not.
        """
        post = self._posts.get(cluster) or self._of_host(push.host)
        if post is None:
            return
        post.hurried = True
        changes = Changes(facts=post.pushes.take(push))
        if post.feeder is not None and push.kind in POINTS_TO:
            post.feeder.soon(POINTS_TO[push.kind], push.host)
        try:
            await self._ledger.save(changes)
        except StoreFailed:
            self._unsaved = merge(changes, self._unsaved)  # a poll may have dealt with it meanwhile
            raise

    def stranger(self, stranger: Stranger) -> None:
        """Somebody without a role wrote: the cluster that speaks for the bot itself tells of it."""
        post = next(iter(self._posts.values()), None)
        if post is not None:
            post.strange(stranger)

    def _of_host(self, host: str) -> Post | None:
        """The cluster that has a node of that name; else the first."""
        posts = list(self._posts.values())
        known = (post for post in posts if (seen := post.pve.latest()) is not None and host in seen.by_node)
        return next(known, posts[0] if posts else None)

    def look_again(self, by: Asker) -> bool:
        now = self._clock.monotonic()
        if self._looked_again is not None and now - self._looked_again < AGAIN:
            return False
        self._looked_again = now
        log.info("%s has everything read again", by.name)
        for post in self._posts.values():
            post.hurried = True
            if post.feeder is not None:
                post.feeder.hurry()
        return True
