"""Telemox: run Proxmox VE from a phone. This docstring is the map.

bot/
├── __main__.py      the command line: run · demo · check
├── app.py           the composition root: the only module that knows every concrete class; start, stop, signals
├── assembly.py      alerts put together: part of the composition root
├── check/           telemox check: each token, host, certificate, privilege, and the line that mends it
├── config/          Settings (pydantic-settings): environment -> typed, validated, secrets masked; the rules' figures
├── reading.py       the text of one setting -> its value, or what is wrong with it
├── pve/             door: HTTP. client.py (one _call), tls.py (CA file, pin), cluster.py (cached snapshot), parse.py
├── web/             the listener, off by default: health, metrics, what Proxmox VE pushes; the heartbeat
├── chat/            door: Telegram. taps.py, door.py, handlers.py, messenger.py, limiter.py, polling.py, menu.py
├── store/           door: SQLite. audit, kept arguments, moved groups, the freeze, alerts; schema.py the tables
├── runner/          one action as a stream of screens: check, ask, run, follow the task, verify; what a kill left
├── watch/           the loop: view -> rules -> inhibit -> step -> silence -> group -> cards and outbox
├── deliver/         makes every alert card and live line equal to what is wanted; sends the outbox
├── pages/           TABLE what can be shown: one file a page (load, draw, PAGE); alerting/ what shows alerts
├── privileges.py    TABLE what each API token needs, by version: for check, whoami and deploy/pveum.sh
├── actions/         TABLE what can be done: one row an action
├── rules/           TABLE what is worth an alert: one row and one pure function a rule, grouped by subject
├── life.py          the life of one alert: step(), inhibit(): pure
├── ports/           Pve, Store, Messenger, Clock, Watching as Protocols; Env bundles them
├── screen.py        Screen, Button, Picture, File, the taps (Open | Ask | Do | Cancel | Ack | Hush | Stale)
├── access.py        Role, Scope, Asker, may(): pure
├── model/           frozen values: Node, Guest, Storage, Task, Fleet, Alert, View, the feeds. No I/O
├── errors.py        every expected failure, drawn as a tree; each can say itself in a chat
├── pveum.py         the lines that give a token what it lacks
├── text/            say(sentence, **values) -> Said, unrendered; html(), plain(); bytes, durations, bars
├── spawn.py         supervised background work: spawn(coro, name), close(seconds)
├── envfile.py       where settings come from: environment, .env, files, systemd credentials
├── logs.py          the log, as text or JSON, with no secret in it
├── clock.py         the real clock
└── demo/            a simulated cluster and a local chat page, both real servers on loopback; imports nothing else here

Each may import what stands below it, never above (import-linter, `make lint`):

    __main__ → app → assembly → check → config → pve | chat | store | reading | web → runner | watch → deliver → pages
             → privileges → actions | rules | life → ports → screen → access → model | errors → pveum
             → text | spawn | envfile | logs | clock

`telegram` only in chat/; `httpx` only in pve/, web/ and check; `sqlite3` only in store; `pydantic` only in config;
`starlette` and `uvicorn` only in web/ and the demo's chat page. Nothing but the doors reads a clock: `env.clock` has
now(), monotonic(), sleep().

Where this departs from the plan it was built by, and why: `check` stands above `config`, since it speaks of settings by
name; python-telegram-bot handles one update at a time (chat/chat.py says why) and chat/turns.py decides who works;
store, runner and check outgrew a file each.
"""

__version__ = "0.1.0"
