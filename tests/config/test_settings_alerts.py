"""Settings of alerts: what they become, and one line for each mistake."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import logs
from bot.config import ConfigError, Settings, load
from bot.config.limits import Of, read, settings_of
from bot.model import Route, Severity, Subject
from bot.model.view import View
from bot.rules import RULES, Kind, Limit, Limits, Rule
from bot.rules.limits import Override
from bot.rules.scopes import FOR_ALL, SCOPES_OF

SECRET = "5f2a1c3e-0000-4000-8000-00000000abcd"
GOOD = {
    "TELEMOX_TELEGRAM_TOKEN": "123456789:AAF0-made_up_secret_of_a_bot_token00",
    "TELEMOX_PVE_HOSTS": "pve1",
    "TELEMOX_PVE_VIEW_TOKEN": f"telemox@pve!view={SECRET}",
    "TELEMOX_ADMINS": "7",
    "TELEMOX_VIEWERS": "-100",
}


def find(view: View, limits: Limits) -> Iterator[object]:
    raise NotImplementedError


def sees(view: View, subject: Subject) -> bool:
    raise NotImplementedError


def rule(key: str, limit: Limit, kind: Kind = Kind.STATE, text: str = "Shares.") -> Rule:
    return Rule(number=1, key=key, kind=kind, help=text, severity=Severity.WARNING, limit=limit, find=find, sees=sees)


FULL = rule(
    "storage_full",
    Limit(
        warning=0.85,
        warning_clear=0.80,
        critical=0.95,
        critical_clear=0.90,
        hold=300,
        clear=300,
        more={"thin_warning": 0.80, "thin_warning_clear": 0.75, "thin_critical": 0.9, "grace_seconds": 1200},
    ),
)
CERT = rule("cert_expiry", Limit(warning=10, warning_clear=12, critical=3, critical_clear=4), text="Days left.")
LOOP = rule("restart_loop", Limit(count=3, within=900, clear=1800, polls=2))
LOAD = rule("node_load", Limit(warning=2.0, warning_clear=1.5, on=False))
WORN = rule("disk_health", Limit(warning=10, warning_clear=12, more={"vms": 0}), text="Percent that remain.")
DRIFT = rule("clock_drift", Limit(warning=5, warning_clear=2), text="Clock: seconds.")
EVENT = rule("task_failed", Limit(), Kind.EVENT)
MADE_UP = (FULL, CERT, LOOP, LOAD, WORN, DRIFT, EVENT)


def given_(rules: tuple[Rule, ...] = MADE_UP, **values: str) -> Settings:
    return load(None, GOOD | {f"TELEMOX_{name}": value for name, value in values.items()}, rules)


def wrong(**values: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        given_(MADE_UP, **values)
    assert SECRET not in str(caught.value)
    return tuple(line.removeprefix("TELEMOX_") for line in caught.value.lines)


# -- the loop ------------------------------------------------------------------------------------------------------


def test_by_default() -> None:
    found = given_()
    assert (found.alerts.poll_seconds, found.alerts.time_scale) == (15, 1)
    assert (found.alerts.changed, found.alerts.overrides) == ({}, ())
    assert (found.alert_chats, found.may_sleep, found.heartbeat_url) == ((), (), None)
    assert (found.listener, found.notify_secret, found.warnings) == (None, None, ())
    assert (found.disks_hour, found.disks_off) == (4, ())


def test_the_pace() -> None:
    found = given_(ALERTS__POLL_SECONDS="1", ALERTS__TIME_SCALE="0.01", DISKS_HOUR="23", DISKS_OFF="pve1, pve2")
    assert (found.alerts.poll_seconds, found.alerts.time_scale) == (1, 0.01)
    assert (found.disks_hour, found.disks_off) == (23, ("pve1", "pve2"))
    assert given_(ALERTS__POLL_SECONDS="20s").alerts.poll_seconds == 20


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ALERTS__POLL_SECONDS", "0.5", "must be at least 1 second and at most an hour"),
        ("ALERTS__POLL_SECONDS", "often", "'often' is not a number"),
        ("ALERTS__POLL_SECONDS", "nan", "'nan' is not a number"),
        ("ALERTS__TIME_SCALE", "0", "must be above 0 and at most 1000"),
        ("ALERTS__TIME_SCALE", "-1", "must be above 0 and at most 1000"),
        ("ALERTS__POLL_SECONDS", "-15s", "must be at least 1 second and at most an hour"),
        ("DISKS_HOUR", "24", "'24' is not an hour of the day: 0 to 23"),
        ("DISKS_HOUR", "4:00", "'4:00' is not an hour of the day: 0 to 23"),
        ("HEARTBEAT_URL", "hc.example.org/x", "is not an address of http or https"),
        ("HEARTBEAT_URL", "ftp://hc.example.org/x", "is not an address of http or https"),
        ("HEARTBEAT_URL", "https://", "is not an address of http or https"),
        ("HEARTBEAT_URL", "https://a b/", "is not an address of http or https"),
        ("HEARTBEAT_URL", "https://[::1/", "is not an address of http or https"),
        ("NOTIFY_SECRET", "short", "must be 16 letters, digits or signs or more; openssl rand -hex 24 makes one"),
        ("LISTEN", "9000x", "'9000x' is not host:port, such as 127.0.0.1:9000"),
        ("LISTEN", "127.0.0.1:0", "'127.0.0.1:0' is not host:port, such as 127.0.0.1:9000"),
        ("LISTEN", "127.0.0.1:99999", "'127.0.0.1:99999' is not host:port, such as 127.0.0.1:9000"),
        (
            "LISTEN",
            "bot.example.org:9000",
            "'bot.example.org' is a name; to be reached from elsewhere give the very address to listen on",
        ),
        (
            "ALERT_CHATS",
            "ana",
            "'ana' is not a Telegram id: a whole number, negative for a group (see /id)",
        ),
        (
            "ALERT_CHATS",
            "-100@loud",
            "'-100@loud' is not id or id:topic, with @info, @warning or @critical behind it or nothing",
        ),
        (
            "ALERT_CHATS",
            "-100:x",
            "'-100:x' is not id or id:topic, with @info, @warning or @critical behind it or nothing",
        ),
        ("ALERT_CHATS", "-100@info,-100:1", "-100 is given twice"),
        (
            "ALERT_CHATS",
            "7,-100,-5:3",
            "-5 is no chat the bot serves; name it in TELEMOX_VIEWERS (or another of the roles) too",
        ),
    ],
)
def test_one_line_a_mistake(name: str, value: str, words: str) -> None:
    assert wrong(**{name: value}) == (f"{name}: {words}",)


def test_chats_that_hear_of_alerts() -> None:
    found = given_(ALERT_CHATS="-100@warning, -100 : 5 @ Critical,7")
    assert found.alert_chats == (
        Route(chat=-100, least=Severity.WARNING, settings=True),
        Route(chat=-100, topic=5, least=Severity.CRITICAL, settings=True),
        Route(chat=7, settings=True),
    )
    assert given_(ALERT_CHATS="-100:1").alert_chats == (Route(chat=-100, settings=True),), "topic 1 is General"


def test_of_a_wrong_role_only_that_is_said() -> None:
    assert [line.partition(":")[0] for line in wrong(ALERT_CHATS="-5", VIEWERS="x")] == ["VIEWERS"]


# -- the listener, secrets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9000", ("127.0.0.1", 9000)),
        (":9000", ("127.0.0.1", 9000)),
        ("localhost:9000", ("127.0.0.1", 9000)),
        ("127.0.0.1:9000", ("127.0.0.1", 9000)),
        ("[::1]:9000", ("::1", 9000)),
    ],
)
def test_it_listens_to_this_machine(text: str, found: tuple[str, int]) -> None:
    made = given_(LISTEN=text)
    assert made.listener == found
    assert made.warnings == ()


@pytest.mark.parametrize("text", ["192.0.2.7:9000", "0.0.0.0:9000", "[::]:9000"])
def test_who_lets_others_reach_it_is_warned(text: str) -> None:
    made = given_(LISTEN=text)
    (line,) = made.warnings
    assert line.startswith(f"TELEMOX_LISTEN: {text} can be reached from other machines")
    assert made.listener is not None


def test_a_secret_without_a_listener_is_said() -> None:
    assert given_(NOTIFY_SECRET="0123456789abcdef").warnings == (
        "TELEMOX_NOTIFY_SECRET: has no effect without TELEMOX_LISTEN",
    )


def test_secrets_of_alerts_are_secrets() -> None:
    url = "https://me:password99@hc.example.org/monitoring/very-secret-path9?token=abcdefgh"
    found = given_(HEARTBEAT_URL=url, NOTIFY_SECRET="0123456789abcdef!", LISTEN="9000")
    assert found.heartbeat_url is not None
    assert found.heartbeat_url.get_secret_value() == url
    redact = logs.Redactor(found.secrets)
    for text in (url, "very-secret-path9", "0123456789abcdef!", "password99"):
        assert text not in redact(f"GET {text} failed")
        assert text not in repr(found)
    assert redact("the monitoring goes on") == "the monitoring goes on"
    (line,) = wrong(HEARTBEAT_URL="no url: very-secret-path")
    assert "very-secret" not in line


def test_a_secret_can_come_from_a_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("s") / "secret"
    file.write_text("0123456789abcdef\n")
    file.chmod(0o600)
    found = load(None, GOOD | {"TELEMOX_NOTIFY_SECRET_FILE": str(file)}, MADE_UP)
    assert found.notify_secret is not None
    assert found.notify_secret.get_secret_value() == "0123456789abcdef"


# -- figures of the rules ------------------------------------------------------------------------------------------


def test_figures_are_read_by_what_they_are_of() -> None:
    changed = given_(
        ALERTS__STORAGE_FULL__WARNING="90",
        ALERTS__STORAGE_FULL__WARNING_CLEAR="0.7",
        ALERTS__STORAGE_FULL__CRITICAL="98.5%",
        ALERTS__STORAGE_FULL__HOLD="2m",
        ALERTS__STORAGE_FULL__CLEAR="90",
        ALERTS__STORAGE_FULL__GRACE_SECONDS="2h",
        ALERTS__STORAGE_FULL__SEVERITY="Warning",
        ALERTS__CERT_EXPIRY__WARNING="20d",
        ALERTS__DISK_HEALTH__WARNING="20%",
        ALERTS__DISK_HEALTH__VMS="on",
        ALERTS__CLOCK_DRIFT__WARNING="1m",
        ALERTS__NODE_LOAD__ON="yes",
        ALERTS__NODE_LOAD__WARNING="3",
        ALERTS__RESTART_LOOP__COUNT="5",
        ALERTS__RESTART_LOOP__WITHIN="1d",
        ALERTS__RESTART_LOOP__POLLS="4",
        ALERTS__TASK_FAILED__ON="off",
    ).alerts.changed
    full = changed["storage_full"]
    assert (full.warning, full.warning_clear, full.critical, full.critical_clear) == (0.9, 0.7, 0.985, 0.935)
    assert (full.hold, full.clear, full.severity) == (120, 90, Severity.WARNING)
    assert full.more == dict(FULL.limit.more) | {"grace_seconds": 7200}
    assert (changed["cert_expiry"].warning, changed["cert_expiry"].warning_clear) == (20, 22)
    assert changed["disk_health"] == Limit(warning=20, warning_clear=22, more={"vms": 1})
    assert changed["clock_drift"] == Limit(warning=60, warning_clear=57)
    assert changed["node_load"] == Limit(on=True, warning=3, warning_clear=2.5)
    assert (changed["restart_loop"].count, changed["restart_loop"].within, changed["restart_loop"].polls) == (
        5,
        86400,
        4,
    )
    assert changed["task_failed"].on is False


def test_a_clear_moves_along_with_its_fire() -> None:
    changed = given_(ALERTS__STORAGE_FULL__WARNING="60%", ALERTS__STORAGE_FULL__THIN_WARNING="3%").alerts.changed
    full = changed["storage_full"]
    assert (full.warning, full.warning_clear) == (0.6, 0.55)
    assert full.more["thin_warning_clear"] == pytest.approx(0.028125), (
        "where the room is larger than the figure: its share"
    )
    lower = given_(ALERTS__CERT_EXPIRY__CRITICAL="5").alerts.changed["cert_expiry"]
    assert (lower.critical, lower.critical_clear) == (5, 6)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"STORAGE_FULL__WARNING": "120"}, "STORAGE_FULL__WARNING: '120' is not a share: 0.9, 90 or 90%"),
        ({"STORAGE_FULL__WARNING": "-5"}, "STORAGE_FULL__WARNING: '-5' is not a share: 0.9, 90 or 90%"),
        ({"STORAGE_FULL__HOLD": "5min"}, "STORAGE_FULL__HOLD: '5min' is not a time: 90, 90s, 5m, 2h or 7d"),
        ({"STORAGE_FULL__HOLD": "99999d"}, "STORAGE_FULL__HOLD: '99999d' is not a time: 90, 90s, 5m, 2h or 7d"),
        ({"STORAGE_FULL__ON": "maybe"}, "STORAGE_FULL__ON: 'maybe' is not on or off"),
        ({"STORAGE_FULL__SEVERITY": "loud"}, "STORAGE_FULL__SEVERITY: 'loud' is not info, warning or critical"),
        ({"CERT_EXPIRY__WARNING": "10%"}, "CERT_EXPIRY__WARNING: '10%' is not a number of days, 0 or more: 10 or 10d"),
        (
            {"DISK_HEALTH__WARNING": "120"},
            "DISK_HEALTH__WARNING: '120' is not a number of percent from 0 to 100: 10 or 10%",
        ),
        ({"DISK_HEALTH__VMS": "some"}, "DISK_HEALTH__VMS: 'some' is not a number, 0 or more"),
        ({"RESTART_LOOP__COUNT": "0"}, "RESTART_LOOP__COUNT: '0' is not a whole number from 1 to 999999"),
        ({"NODE_LOAD__WARNING": "2%"}, "NODE_LOAD__WARNING: '2%' is not a number, 0 or more"),
        ({"STORAGE_FULL__WARNING_CLEAR": "90"}, "STORAGE_FULL__WARNING_CLEAR: must be below warning, 85%"),
        ({"STORAGE_FULL__WARNING_CLEAR": "85"}, "STORAGE_FULL__WARNING_CLEAR: must be below warning, 85%"),
        ({"STORAGE_FULL__WARNING": "96"}, "STORAGE_FULL__WARNING: must be below critical, 95%"),
        ({"STORAGE_FULL__CRITICAL": "80"}, "STORAGE_FULL__CRITICAL: must be above warning, 85%"),
        ({"STORAGE_FULL__THIN_CRITICAL": "70"}, "STORAGE_FULL__THIN_CRITICAL: must be above thin_warning, 80%"),
        ({"CERT_EXPIRY__WARNING_CLEAR": "9"}, "CERT_EXPIRY__WARNING_CLEAR: must be above warning, 10d"),
        ({"CERT_EXPIRY__WARNING": "2"}, "CERT_EXPIRY__WARNING: must be above critical, 3d"),
        ({"CERT_EXPIRY__CRITICAL": "10d"}, "CERT_EXPIRY__CRITICAL: must be below warning, 10d"),
        (
            {"STORAGE_FULL__WARNIN": "9"},
            "STORAGE_FULL__WARNIN: there is no such setting; did you mean TELEMOX_ALERTS__STORAGE_FULL__WARNING?",
        ),
        (
            {"STORAGEFULL__HOLD": "9"},
            "STORAGEFULL__HOLD: there is no such setting; did you mean TELEMOX_ALERTS__STORAGE_FULL__HOLD?",
        ),
        ({"NOTHING__WARNING": "9"}, "NOTHING__WARNING: there is no such setting"),
        ({"TASK_FAILED__HOLD": "9"}, "TASK_FAILED__HOLD: there is no such setting"),
        (
            {"POLL_SECOND": "9"},
            "POLL_SECOND: there is no such setting; did you mean TELEMOX_ALERTS__POLL_SECONDS?",
        ),
    ],
)
def test_one_line_a_mistake_of_a_figure(values: dict[str, str], line: str) -> None:
    assert wrong(**{f"ALERTS__{name}": value for name, value in values.items()}) == (f"ALERTS__{line}",)


@pytest.mark.parametrize(
    "name", ["ALERTS_STORAGE_FULL_WARNING", "ALERTS_STORAGE_FULL__WARNING", "ALERTS__STORAGE_FULL_WARNING"]
)
def test_an_underscore_too_few(name: str) -> None:
    assert wrong(**{name: "9"}) == (
        f"{name}: there is no such setting; did you mean TELEMOX_ALERTS__STORAGE_FULL__WARNING?",
    )


def test_every_mistake_at_once() -> None:
    lines = wrong(
        ALERTS__POLL_SECONDS="0",
        ALERTS__STORAGE_FULL__HOLD="x",
        ALERTS__STORAGE_FULL__WARNING="99",
        ALERTS__OVERRIDES="nothing; *@tag:lab warning=3",
        LISTEN="x",
    )
    assert [line.partition(":")[0] for line in lines] == [
        "ALERTS__POLL_SECONDS",
        "LISTEN",
        "ALERTS__STORAGE_FULL__HOLD",
        "ALERTS__STORAGE_FULL__WARNING",
        "ALERTS__OVERRIDES",
        "ALERTS__OVERRIDES",
    ]


# -- overrides -----------------------------------------------------------------------------------------------------


def test_overrides_are_read() -> None:
    text = "storage_full@storage:nas-backup warning=95 critical=98; *@tag:lab severity=info hold=1h;\n"
    text += '*@guest:web<1>_&" on=no ;'
    assert given_(ALERTS__OVERRIDES=text).alerts.overrides == (
        Override(rule="storage_full", by="storage", value="nas-backup", changes={"warning": 0.95, "critical": 0.98}),
        Override(rule="*", by="tag", value="lab", changes={"severity": Severity.INFO, "hold": 3600}),
        Override(rule="*", by="guest", value='web<1>_&"', changes={"on": False}),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("storage_full", "is not <rule or *>@<tag|pool|guest|node|storage>:<value> field=value …"),
        ("storage_full@disk:x on=no", "is not <rule or *>@<tag|pool|guest|node|storage>:<value> field=value …"),
        ("storage_full@tag: on=no", "is not <rule or *>@<tag|pool|guest|node|storage>:<value> field=value …"),
        ("storage_ful@tag:x on=no", "there is no rule 'storage_ful'; did you mean storage_full?"),
        ("nonsense@tag:x on=no", "there is no rule 'nonsense'"),
        ("*@tag:x", "changes nothing"),
        ("*@tag:x warning=9", "'warning=9' is none of on=…, severity=…, hold=…, clear=…"),
        ("task_failed@tag:x hold=9", "'hold=9' is none of on=…, severity=…"),
        ("*@tag:x on", "'on' is none of on=…, severity=…, hold=…, clear=…"),
        ("storage_full@storage:x warning=200", "'200' is not a share: 0.9, 90 or 90%"),
        ("storage_full@storage:x warning=96", "warning must be below critical, 95%"),
        ("cert_expiry@node:x warning=2", "warning must be above critical, 3d"),
        ("storage_full@tag:x on=no", "storage_full has exceptions by storage, node, none by tag"),
        ("cert_expiry@guest:x on=no", "cert_expiry has exceptions by node, none by guest"),
    ],
)
def test_one_line_a_mistake_of_an_override(text: str, words: str) -> None:
    assert wrong(ALERTS__OVERRIDES=text) == (f"ALERTS__OVERRIDES: {text!r}: {words}",)


def test_an_override_is_held_against_what_the_settings_made_of_the_rule() -> None:
    given_(ALERTS__STORAGE_FULL__CRITICAL="99", ALERTS__OVERRIDES="storage_full@storage:x warning=96")


@given(st.text(max_size=60), st.text(max_size=20))
@settings(deadline=None, max_examples=150)
def test_any_text_is_settings_or_a_config_error(overrides: str, figure: str) -> None:
    try:
        given_(
            ALERTS__OVERRIDES=overrides,
            ALERTS__STORAGE_FULL__WARNING=figure,
            ALERTS__STORAGE_FULL__HOLD=figure,
            ALERT_CHATS=figure,
            LISTEN=figure,
            HEARTBEAT_URL=figure,
            DISKS_HOUR=figure,
            ALERTS__POLL_SECONDS=figure,
        )
    except ConfigError as error:
        lines = error.lines
    else:
        return
    assert all(line and "\n" not in line for line in lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ceph@guest:104 on=off", "ceph has no exceptions: it is about the cluster, not about its parts"),
        ("thin_metadata@storage:local-lvm warning=95", "thin_metadata has exceptions by node, none by storage"),
        ("backup_failed@storage:nas on=off", "backup_failed has exceptions by tag, pool, guest, node, none by storage"),
        ("task_failed@tag:x count=9 on=no", "count of task_failed is one for all, and no exception changes it"),
    ],
)
def test_what_no_exception_can_be_for_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        given_(tuple(RULES), ALERTS__OVERRIDES=text)
    assert [line.removeprefix("TELEMOX_ALERTS__OVERRIDES: ") for line in caught.value.lines] == [f"{text!r}: {words}"]


def test_every_rule_says_whom_its_exceptions_are_for() -> None:
    assert set(SCOPES_OF) == {rule.key for rule in RULES}
    for rule_ in RULES:
        names = {figure.name for figure in settings_of(rule_)}
        assert FOR_ALL.get(rule_.key, frozenset()) <= names
    assert set(FOR_ALL) <= set(SCOPES_OF)


# -- the real rules ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", RULES or MADE_UP, ids=lambda row: row.key)
def test_every_figure_of_every_rule_is_a_setting_that_takes_its_own_default(row: Rule) -> None:
    for figure in settings_of(row):
        text = figure.show(figure.default)
        assert bool(text) or figure.default is None, figure.name
        if text and (figure.of is not Of.WHOLE or figure.default):
            assert read(figure, text) == pytest.approx(figure.default), figure.name
            given_((row,), **{figure.setting.removeprefix("TELEMOX_"): text})
        assert figure.setting == figure.setting.upper()
