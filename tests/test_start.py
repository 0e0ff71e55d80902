"""What a start loads before it polls: a restart must not leave people waiting."""

import subprocess
import sys

LATER = (
    "bot.pages",
    "bot.runner",
    "bot.pve.cluster",
    "bot.chat.handlers",
    "wcwidth",
    "rapidfuzz",
    "bot.demo",
    "uvicorn",
)


def test_what_the_first_poll_does_not_need_is_loaded_after_it() -> None:
    code = "import sys; from bot import app, config, logs; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    loaded = done.stdout.split()
    assert [name for name in LATER if name in loaded] == []
    assert "bot.chat.api" in loaded
