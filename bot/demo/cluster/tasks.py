"""Tasks: what a POST starts, and what its UPID leads to (pve-common: UPID.pm, RESTEnvironment.pm).

A task's work is a generator: it yields the simulated seconds until it goes on, and raises TaskFailed to end badly. Its
first part runs at once, before the POST is answered: short tasks end before anybody asks.
"""

import itertools
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from bot.demo.cluster.clock import Clock
from bot.demo.cluster.errors import TaskFailed

FAILS = 2.0  # seconds until a task that is told to fail has failed
Work = Generator[float, None, None]


@dataclass(slots=True)
class Task:
    upid: str
    node: str
    type: str
    id: str  # vmid, storage … or ''
    user: str  # user@realm or user@realm!token
    pid: int
    pstart: int
    start: float
    end: float | None = None
    exitstatus: str = ""  # '' while running
    lines: list[str] = field(default_factory=list)
    work: Work | None = None
    release: Callable[[], None] | None = None  # gives back what it holds, however it ends

    @property
    def running(self) -> bool:
        return self.end is None

    @property
    def ended(self) -> dict[str, object]:
        """What lists of tasks say of one that has."""
        user, _, token = self.user.partition("!")
        end: dict[str, object] = {"user": user, "endtime": int(self.end or 0), "status": self.exitstatus}
        return end | ({"tokenid": token} if token else {})

    def say(self, line: str) -> None:
        self.lines.append(line)

    def owned_by(self, caller: str) -> bool:
        """A token owns its own tasks; a user those of its tokens too."""
        return caller == self.user or ("!" not in caller and self.user.partition("!")[0] == caller)


def _fail(words: str) -> Work:
    yield FAILS
    raise TaskFailed(words)


class Tasks:
    def __init__(self, clock: Clock, *, boot: Callable[[str], float]) -> None:
        self._clock = clock
        self._boot = boot  # when a node was started: UPIDs count from there
        self._pids = itertools.count(4711)
        self.all: dict[str, Task] = {}
        self._lost: list[Task] = []
        self.fails: list[str] = []  # words with which the next tasks fail that people order

    def begin(
        self, node: str, kind: str, subject: str, user: str, work: Callable[[Task], Work], *, ago: float = 0.0
    ) -> Task:
        """Starts a task and lets its first part happen. `ago`: seconds since when it claims to have been running."""
        task = self._make(node, kind, subject, user, self._clock.at - ago)
        task.work = _fail(self.fails.pop(0)) if self.fails and user != "root@pam" else work(task)
        self._go_on(task)
        return task

    def remember(
        self,
        node: str,
        kind: str,
        subject: str,
        user: str,
        start: float,
        seconds: float,
        *lines: str,
        status: str = "OK",
    ) -> Task:
        """A task that ended before the simulation began."""
        task = self._make(node, kind, subject, user, start)
        task.lines += lines
        self._end(task, status, start + seconds)
        return task

    def _make(self, node: str, kind: str, subject: str, user: str, start: float) -> Task:
        pid = next(self._pids)
        pstart = int((start - self._boot(node)) * 100) & 0xFFFFFFFF
        upid = f"UPID:{node}:{pid:08X}:{pstart:08X}:{int(start):08X}:{kind}:{subject}:{user}:"
        task = Task(upid, node, kind, subject, user, pid, pstart, start)
        self.all[upid] = task
        return task

    def _go_on(self, task: Task) -> None:
        if task.work is None or not task.running:
            return
        try:
            pause = next(task.work)
        except StopIteration:
            self._end(task, "OK")
        except TaskFailed as why:
            self._end(task, str(why))
        else:
            self._clock.later(pause, lambda: self._go_on(task))

    def _end(self, task: Task, status: str, at: float | None = None) -> None:
        task.exitstatus = status
        task.end = self._clock.at if at is None else at
        if status == "OK" or status.startswith("WARNINGS:"):
            task.say(f"TASK {status}")
        else:
            task.say(f"TASK ERROR: {status}")
        self._let_go(task)

    def _let_go(self, task: Task) -> None:
        if task.work is not None:
            task.work.close()
            task.work = None
        if task.release is not None:
            task.release()
            task.release = None

    def interrupt(self, task: Task) -> None:
        """DELETE: SIGTERM. Nothing happens to one that has ended."""
        if task.running:
            self._end(task, "interrupted by signal" if task.type == "vzdump" else "received interrupt")

    def lose(self, node: str) -> None:
        """The node lost its power: what ran there does nothing more. Nobody writes down that it has ended."""
        for task in self.all.values():
            if task.running and task.node == node:
                self._let_go(task)
                self._lost.append(task)

    def find(self, node: str) -> None:
        """It is back: its list of active tasks is read again, and what does not run any more has ended now. Their logs
        have no last line (pve-common, RESTEnvironment.pm, active_workers)."""
        for task in [task for task in self._lost if task.node == node]:
            self._lost.remove(task)
            if task.running:
                task.end, task.exitstatus = self._clock.at, "unexpected status"

    def on(self, node: str) -> list[Task]:
        """Newest first; running ones too."""
        found = [task for task in self.all.values() if task.node == node]
        return sorted(found, key=lambda task: (task.start, task.pid), reverse=True)
