"""What of the deliverer's rows is still to be written, however saves and changes cross."""

from bot.deliver.unwritten import Dirty, Unwritten


def test_nothing_fresh_is_lost_or_sent_however_saves_end() -> None:
    unwritten = Unwritten()
    unwritten.put(Dirty(cards={1, 2}))
    first = unwritten.hand()
    assert unwritten.fresh.cards == {1, 2}
    unwritten.put(Dirty(cards={2, 3}))  # while it is being written
    unwritten.saved(first)
    assert unwritten.fresh.cards == {2, 3}
    second = unwritten.hand()
    unwritten.failed(second)
    assert unwritten.fresh.cards == set()  # sent all the same
    third, of_one = unwritten.hand(), unwritten.hand(Dirty(cards={3}))
    assert third.cards == {2, 3}
    unwritten.failed(third)
    unwritten.saved(of_one)
    assert unwritten.hand().cards == {2}
