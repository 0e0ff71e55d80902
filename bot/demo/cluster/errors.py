"""How the simulated cluster refuses: what becomes a status line and a body, and what ends a task."""

from collections.abc import Mapping


class Refusal(Exception):
    """An answer other than 200. The reason phrase is the first line of `message`."""

    def __init__(self, status: int, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


class Unauthorized(Refusal):
    """401: late, with an empty body."""

    def __init__(self, message: str) -> None:
        super().__init__(401, message)


class Gateway(Refusal):
    """595 to 599: AnyEvent::HTTP's own codes, with an empty body that is not JSON."""


class TaskFailed(Exception):
    """Ends a task; the text becomes its exit status and the end of its log."""


def bad(**errors: str) -> Refusal:
    return Refusal(
        400, "Parameter verification failed.\n", {name.replace("_", "-"): text for name, text in errors.items()}
    )


def died(text: str) -> Refusal:
    """500: what Perl's `die` with a line becomes."""
    return Refusal(500, f"{text}\n")
