"""How the rules say their figures."""

import pytest

from bot.rules.readings import percent
from bot.text import Reader, plain
from tests.rules_slow.slowviews import find, snapshot, storage, view


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.85, "85 %"),
        (0.949, "95 %"),
        (0.95, "95 %"),
        (0.9541, "95.4 %"),
        (0.9999, "100 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
    ],
)
def test_shares_read_alike(share: float, said: str) -> None:
    assert percent(share) == said


def test_why_a_storage_is_full_names_its_thresholds_alike() -> None:
    because = find("storage_full", view(snapshot(storages=[storage(used=0.91)])))[0].because
    assert because is not None
    assert plain(because, Reader()).splitlines() == [
        "91 % used",
        "warning from 85 %",
        "critical from 95 %",
        "over below 80 %",
    ]
