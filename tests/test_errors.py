"""What a failure says in a log: a sentence, as the log's reader needs it."""

import pytest

from bot.errors import Busy, Crowded, Denied, NotFound, Stale, StoreFailed, TelemoxError
from bot.text import bold, lines, say
from tests.pages.fleets import HOSTILE


@pytest.mark.parametrize("kind", [Denied, NotFound, Stale, Busy, Crowded, StoreFailed])
def test_a_log_has_the_words_of_a_failure_and_not_how_they_are_kept(
    kind: type[Denied | NotFound | Stale | Busy | Crowded | StoreFailed],
) -> None:
    words = lines(say("The database of {name} is full: {n} MiB.", name=bold(HOSTILE), n=12), say("Make room."))
    error: TelemoxError = kind(words)
    assert str(error) == f"The database of {HOSTILE} is full: 12 MiB. Make room."  # one line
    assert error.said() == words
