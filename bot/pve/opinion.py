"""Is there a quorum, as the other hosts see it?"""

import asyncio
from collections.abc import Sequence

from bot.errors import PveError
from bot.pve import rows
from bot.pve.client import Client
from bot.pve.flight import quietly
from bot.pve.link import Link


async def quorate_elsewhere(view: Client, links: Sequence[Link], timeout: float) -> bool | None:
    """GET /cluster/status of each host but the one that answered last, all at once, within `timeout` s. A yes counts
    more than a no, which a host says that is cut off itself; None where there is no other, or none knows."""
    last = view.answered or links[0]
    answers = await asyncio.gather(
        *(
            quietly(view.beside(link).get("/cluster/status", rows.cluster_status, timeout=timeout))
            for link in links
            if link is not last
        )
    )
    said = [answer.quorate for answer in answers if not isinstance(answer, PveError) and answer.quorate is not None]
    return any(said) if said else None
