"""How changes add up, and what a silence covers."""

from dataclasses import replace
from datetime import timedelta

from bot.model import Alert, Phase, Silence
from bot.ports import Changes
from bot.watch.silence import covering, maintained
from bot.watch.table import merge
from tests.engine.kit import START, found

ONE = Alert(number=1, finding=found(), phase=Phase.PENDING, found=START)
TWO = replace(ONE, number=2)


def test_what_comes_later_wins() -> None:
    later = replace(ONE, phase=Phase.FIRING)
    both = merge(Changes(alerts=[ONE, TWO], facts={"a": "1", "b": "1"}), Changes(alerts=[later], facts={"a": "2"}))
    assert list(both.alerts) == [later, TWO]
    assert dict(both.facts) == {"a": "2", "b": "1"}
    assert not merge(Changes(), Changes())


def test_what_is_forgotten_later_is_not_written_and_what_is_written_later_is_not_forgotten() -> None:
    gone = merge(Changes(alerts=[ONE, TWO]), Changes(gone=[1]))
    assert (list(gone.alerts), list(gone.gone)) == ([TWO], [1])
    back = merge(Changes(gone=[1, 2]), Changes(alerts=[ONE]))
    assert (list(back.alerts), list(back.gone)) == ([ONE], [2])


def silence(id_: int, minutes: float, *, maintenance: bool = False) -> Silence:
    until = START + timedelta(minutes=minutes)
    return Silence(
        id=id_, about="node", cluster="main", value="pve1", until=until, made=START, by="Ana", maintenance=maintenance
    )


def test_the_longest_silence_in_force_covers() -> None:
    short, long, over = (silence(n, minutes, maintenance=True) for n, minutes in ((1, 5), (2, 60), (3, -1)))
    assert covering([short, long, over], ONE, START) == 2
    assert covering([over], ONE, START) == 0
    assert covering([replace(long, maintenance=False)], ONE, START) == 0  # a guest on the node, not the node


def test_maintenance_ends() -> None:
    known = [silence(1, 5, maintenance=True), silence(2, 60)]
    assert maintained(known, "main", START) == {"pve1"}
    assert maintained(known, "lab", START) == frozenset()
    assert maintained(known, "main", START + timedelta(minutes=6)) == frozenset()
