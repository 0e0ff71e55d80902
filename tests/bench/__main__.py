"""`make bench`: speed and memory as ratios against a floor measured in the same run.

    bots.py        a bot as a process, and the person who talks to it
    measures.py    what is measured, and each bound      alerts.py    the same of the watch and of delivery
    floor.py echo.py ours.py    the processes

Printed as a Markdown table; `--readme` writes it into README.md. Exit status 1 when a bound is broken.
"""

import argparse
import asyncio
import re
import sys
import tempfile
from pathlib import Path

from tests.bench import alerts
from tests.bench.measures import Row, calls, cold, held, warm


def table(rows: list[Row]) -> str:
    lines = ["| what | Telemox | floor | ratio | bound |", "|---|---|---|---|---|"]
    lines += [f"| {what} | {ours} | {floor} | {figure} | {bound} |" for what, ours, floor, figure, bound, _ in rows]
    return "\n".join(lines)


def write_readme(text: str) -> None:
    path = Path(__file__).parents[2] / "README.md"
    marked = re.compile(r"(<!-- bench -->\n).*?(<!-- end -->)", re.DOTALL)
    path.write_text(marked.sub(lambda found: f"{found[1]}{text}\n{found[2]}", path.read_text()))


async def measure(*, quick: bool) -> list[Row]:
    rounds = 4 if quick else 15
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [
            *await cold(rounds, folder),
            *await held(folder),
            *await warm(rounds * 20, folder),
            *await calls(folder),
            *await alerts.watch_rows(rounds),
            *await alerts.homecoming_rows(),
            *await alerts.latency_rows(),
            *await alerts.story_rows(),
            *await alerts.delivery_rows(),
        ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, not a figure")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    arguments = parser.parse_args()
    rows = asyncio.run(measure(quick=arguments.quick))
    print(table(rows))
    broken = [row[0] for row in rows if not row[-1]]
    print("\nall bounds kept" if not broken else f"\nover the bound: {'; '.join(broken)}")
    if arguments.readme:
        write_readme(table(rows))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
