"""Is the bot well? What /healthz says, and when the heartbeat ends. Pure."""

from bot.ports import Vitals

STALE_POLLS = 4
"""Polls without an answer after which /healthz says so, and a minute more."""
STALE_DELIVERY = 300.0
"""Seconds that a message may wait."""


def ailing(vitals: Vitals) -> list[str]:
    """What makes the bot unwell: a watch that stands still, messages that do not go out, nobody to tell."""
    wrong: list[str] = []
    for pulse in vitals.pulse:
        late = STALE_POLLS * pulse.poll + 60.0
        if pulse.age is None or pulse.age > late:
            age = "never" if pulse.age is None else f"{pulse.age:.0f} s ago"
            wrong.append(f"{pulse.cluster}: last good poll {age}")
    if vitals.waiting > STALE_DELIVERY:
        wrong.append(f"delivery: the oldest message waits for {vitals.waiting:.0f} s")
    return wrong + mute(vitals)


def mute(vitals: Vitals) -> list[str]:
    """Why nobody at all can be told: then somebody else has to, and the heartbeat ends."""
    wrong: list[str] = []
    if vitals.unheard:
        wrong.append("delivery: no chat that is to be told of alerts can be written to")
    if not vitals.met:  # what was before, nobody knows
        wrong.append(f"telegram: not reached since the start, {vitals.deaf:.0f} s ago")
    elif vitals.deaf > STALE_DELIVERY:
        wrong.append(f"telegram: not reached for {vitals.deaf:.0f} s")
    return wrong
