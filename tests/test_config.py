"""Settings: what they become, and what is said when they are wrong."""

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot import config, logs
from bot.access import Role
from bot.config import ConfigError, Settings, load

TOKEN = "123456789:AAF0-made_up_secret_of_a_bot_token00"
SECRET = "5f2a1c3e-0000-4000-8000-00000000abcd"
POWER = "5f2a1c3e-0000-4000-8000-00000000beef"
PIN = ":".join(["AB"] * 32)
HOSTS = "The hosts of one cluster, comma separated: host, host:port or URL; port 8006 unless given."
GOOD = {
    "TELEMOX_TELEGRAM_TOKEN": TOKEN,
    "TELEMOX_PVE_HOSTS": "pve1",
    "TELEMOX_PVE_VIEW_TOKEN": f"telemox@pve!view={SECRET}",
}


def wrong(environ: dict[str, str], env_file: Path | None = None) -> tuple[str, ...]:
    """The lines that are said. None of them may hold a secret, whatever the mistake."""
    with pytest.raises(ConfigError) as caught:
        load(env_file, environ)
    assert caught.value.__cause__ is None
    for text in (*caught.value.lines, str(caught.value), repr(caught.value)):
        assert SECRET not in text
        assert TOKEN not in text
    return caught.value.lines


def mistakes(env_file: Path | None, environ: dict[str, str]) -> tuple[str, ...]:
    """None where they are well."""
    try:
        load(env_file, environ)
    except ConfigError as error:
        return error.lines
    return ()


def with_file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


# -- what they become ----------------------------------------------------------------------------------------------


def test_the_least_that_must_be_set() -> None:
    found = load(None, GOOD)
    assert found.telegram_base_url == "https://api.telegram.org"
    assert found.data_dir == Path("data")
    assert (found.log_level, found.log_format) == ("info", "text")
    assert found.roles.granted == {}
    (main,) = found.clusters
    assert (main.key, [str(host) for host in main.hosts]) == ("main", ["pve1:8006"])
    assert {role: token.id for role, token in main.tokens.items()} == {Role.VIEWER: "telemox@pve!view"}
    assert main.tokens[Role.VIEWER].header() == f"PVEAPIToken=telemox@pve!view={SECRET}"


def test_everything_set(tmp_path: Path) -> None:
    ca = with_file(tmp_path / "ca.pem", "-----BEGIN CERTIFICATE-----\n")
    found = load(
        None,
        GOOD
        | {
            "TELEMOX_TELEGRAM_BASE_URL": "http://127.0.0.1:8081/",
            "TELEMOX_PVE_HOSTS": "pve1, 192.0.2.7:18006 ,https://[::1]:8006,",
            "TELEMOX_PVE_POWER_TOKEN": f"telemox@pve!power={POWER}",
            "TELEMOX_PVE_CA_FILE": str(ca),
            "TELEMOX_PVE_FINGERPRINTS": f"pve1={PIN.lower()},{PIN.replace(':', '')}",
            "TELEMOX_VIEWERS": "1,2,-100",
            "TELEMOX_OPERATORS": " 2 , 3",
            "TELEMOX_ADMINS": "3",
            "TELEMOX_CEILINGS": "-100=viewer, 2 = Operator",
            "TELEMOX_DATA_DIR": "/var/lib/telemox",
            "TELEMOX_LOG_LEVEL": "WARNING",
            "TELEMOX_LOG_FORMAT": "json",
        },
    )
    assert found.telegram_base_url == "http://127.0.0.1:8081"
    (main,) = found.clusters
    assert [str(host) for host in main.hosts] == ["pve1:8006", "192.0.2.7:18006", "[::1]:8006"]
    assert main.ca_file == ca
    assert [main.pins(host) for host in main.hosts] == [(PIN,), (PIN,), (PIN,)]
    assert main.tokens[Role.ADMIN] == main.tokens[Role.OPERATOR], "the admin's token falls back to power"
    assert found.roles.granted == {1: Role.VIEWER, 2: Role.OPERATOR, 3: Role.ADMIN, -100: Role.VIEWER}
    assert found.roles.ceilings == {-100: Role.VIEWER, 2: Role.OPERATOR}
    assert found.data_dir == Path("/var/lib/telemox")
    assert (found.log_level, found.log_format) == ("warning", "json")


def test_what_is_empty_is_not_set() -> None:
    """compose.yaml passes NAME= for what is left out."""
    found = load(None, GOOD | {"TELEMOX_PVE_CA_FILE": "", "TELEMOX_ADMINS": " , ", "TELEMOX_PVE_POWER_TOKEN": " "})
    assert (found.pve_ca_file, found.admins, found.pve_power_token) == (None, (), None)


def test_systemd_gives_the_data_directory() -> None:
    state = {"STATE_DIRECTORY": "/var/lib/telemox:/var/lib/other"}
    assert load(None, GOOD | state).data_dir == Path("/var/lib/telemox")
    assert load(None, GOOD | state | {"TELEMOX_DATA_DIR": "here"}).data_dir == Path("here")


def test_no_secret_in_sight() -> None:
    found = load(None, GOOD)
    assert SECRET not in repr(found) + str(found) + repr(found.clusters) + found.model_dump_json()
    assert {TOKEN, SECRET} <= set(found.secrets)


def test_pydantic_says_no_secret_either() -> None:
    """Whoever makes Settings by hand gets its own words, in a traceback perhaps."""
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"telegram_token": f"no token: {TOKEN}", "pve_hosts": SECRET, "nonsense": SECRET})
    assert TOKEN not in str(caught.value)
    assert SECRET not in str(caught.value)


# -- where they come from ------------------------------------------------------------------------------------------


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    lines = [f"{name}={value}" for name, value in GOOD.items()]
    text = "\n".join([*lines, "export TELEMOX_LOG_LEVEL='debug'  # chatty", "", "# a comment", "OTHER=1"])
    env_file = with_file(tmp_path / "settings", text)
    assert load(env_file, {}).log_level == "debug"
    assert load(env_file, {"TELEMOX_LOG_LEVEL": "error"}).log_level == "error"


def test_values_of_the_file_are_not_expanded(tmp_path: Path) -> None:
    env_file = with_file(tmp_path / ".env", 'TELEMOX_DATA_DIR="${HOME}/x"\n')
    assert load(env_file, GOOD).data_dir == Path("${HOME}/x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    env_file = with_file(tmp_path / ".env", "TELEMOX_LOG_LEVEL=info\n", mode)
    assert wrong(GOOD, env_file) == (f"{env_file}: others can read it; run: chmod 600 {env_file}",)


def test_a_named_file_must_exist_the_usual_one_need_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(GOOD, tmp_path / "gone") == (f"{tmp_path / 'gone'}: there is no such file",)
    assert wrong(GOOD, tmp_path) == (f"{tmp_path}: is not a file",)
    monkeypatch.chdir(tmp_path)
    assert load(environ=GOOD).pve_hosts == ("pve1",)


def test_lines_of_the_file_that_cannot_be_read(tmp_path: Path) -> None:
    text = "\n\nTELEMOX_LOG_LEVEL\n'unfinished\nTELEMOX_ADMINS=1\nTELEMOX_ADMINS=2\n"
    env_file = with_file(tmp_path / ".env", text)
    assert wrong(GOOD, env_file) == (
        f"TELEMOX_LOG_LEVEL ({env_file}): line 3 has no =",
        f"{env_file}: line 4 is not NAME=value",
        f"TELEMOX_ADMINS ({env_file}): is set in line 5 and line 6",
    )


def test_secrets_from_files(tmp_path: Path) -> None:
    file = with_file(tmp_path / "token", f"telemox@pve!power={POWER}\n", 0o640)
    found = load(None, GOOD | {"TELEMOX_PVE_POWER_TOKEN_FILE": str(file)})
    assert found.tokens[Role.OPERATOR].id == "telemox@pve!power"
    assert POWER in found.secrets


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (f"a@pve!x={SECRET}", 0o644, "others can read {file}; run: chmod o= {file}"),
        ("", 0o600, "{file} is empty"),
        (f"a\n{SECRET}\n", 0o600, "{file} holds more than one line"),
        ("x" * 20_000, 0o600, "{file} is too large to hold a secret"),
    ],
)
def test_files_that_cannot_be_a_secret(tmp_path: Path, text: str, mode: int, words: str) -> None:
    file = with_file(tmp_path / "token", text, mode)
    lines = wrong(GOOD | {"TELEMOX_PVE_POWER_TOKEN_FILE": str(file)})
    assert lines == (f"TELEMOX_PVE_POWER_TOKEN_FILE: {words.format(file=file)}",)


def test_a_missing_file_is_said_once(tmp_path: Path) -> None:
    environ = {name: value for name, value in GOOD.items() if "VIEW" not in name}
    gone = tmp_path / "gone"
    lines = wrong(environ | {"TELEMOX_PVE_VIEW_TOKEN_FILE": str(gone)})
    assert lines == (f"TELEMOX_PVE_VIEW_TOKEN_FILE: {gone} cannot be read (No such file or directory)",)


def test_a_secret_given_twice(tmp_path: Path) -> None:
    file = with_file(tmp_path / "token", "x")
    lines = wrong(GOOD | {"TELEMOX_PVE_VIEW_TOKEN_FILE": str(file)})
    assert lines == ("TELEMOX_PVE_VIEW_TOKEN_FILE: TELEMOX_PVE_VIEW_TOKEN is set too; keep one of them",)


def test_the_environment_wins_in_either_spelling(tmp_path: Path) -> None:
    secret_file = with_file(tmp_path / "token", TOKEN)
    env_file = with_file(tmp_path / ".env", "TELEMOX_TELEGRAM_TOKEN=1:older\n")
    environ = {name: value for name, value in GOOD.items() if "TELEGRAM" not in name}
    found = load(env_file, environ | {"TELEMOX_TELEGRAM_TOKEN_FILE": str(secret_file)})
    assert found.telegram_token.get_secret_value() == TOKEN
    env_file = with_file(tmp_path / ".env", f"TELEMOX_TELEGRAM_TOKEN_FILE={tmp_path / 'gone'}\n")
    assert load(env_file, GOOD).telegram_token.get_secret_value() == TOKEN


def test_only_secrets_come_from_files() -> None:
    (line,) = wrong(GOOD | {"TELEMOX_DATA_DIR_FILE": "/x"})
    assert line.startswith("TELEMOX_DATA_DIR_FILE: there is no such setting; did you mean TELEMOX_DATA_DIR?")


def test_systemd_credentials(tmp_path: Path) -> None:
    """Their mode says nothing: systemd gives the unit's user an ACL."""
    with_file(tmp_path / "telemox_telegram_token", TOKEN + "\n", 0o444)
    with_file(tmp_path / "telemox_pve_power_token", f"telemox@pve!power={POWER}", 0o440)
    with_file(tmp_path / "another", "whatever")
    environ = {name: value for name, value in GOOD.items() if "TELEGRAM" not in name}
    found = load(None, environ | {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found.telegram_token.get_secret_value() == TOKEN
    assert found.tokens[Role.OPERATOR].id == "telemox@pve!power"
    given = load(None, GOOD | {"CREDENTIALS_DIRECTORY": str(tmp_path), "TELEMOX_TELEGRAM_TOKEN": "1:mine"})
    assert given.telegram_token.get_secret_value() == "1:mine"


def test_a_credential_by_a_wrong_name(tmp_path: Path) -> None:
    with_file(tmp_path / "telemox_telegram_tokn", TOKEN)
    (line,) = wrong(GOOD | {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert line == (
        "credential telemox_telegram_tokn: no secret setting has that name; did you mean telemox_telegram_token?"
    )


# -- what is said when they are wrong ------------------------------------------------------------------------------


def test_every_mistake_at_once() -> None:
    lines = wrong(
        {
            "TELEMOX_TELEGRAM_TOKN": TOKEN,
            "TELEMOX_PVE_VIEW_TOKEN": f"telemox@pve view={SECRET}",
            "TELEMOX_VIEWERS": "ana,7,0,12.5",
            "TELEMOX_LOG_LEVEL": "loud",
        }
    )
    assert lines == (
        "TELEMOX_TELEGRAM_TOKN: there is no such setting; did you mean TELEMOX_TELEGRAM_TOKEN?",
        "TELEMOX_TELEGRAM_TOKEN: is not set. The bot's token, as @BotFather gives it.",
        "TELEMOX_PVE_HOSTS: is not set. " + HOSTS,
        "TELEMOX_PVE_VIEW_TOKEN: is not an API token: user@realm!name=secret",
        "TELEMOX_VIEWERS: 'ana' is not a Telegram id: a whole number, negative for a group (see /id)",
        "TELEMOX_VIEWERS: '0' is not a Telegram id: a whole number, negative for a group (see /id)",
        "TELEMOX_VIEWERS: '12.5' is not a Telegram id: a whole number, negative for a group (see /id)",
        "TELEMOX_LOG_LEVEL: must be one of debug, info, warning or error",
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TELEGRAM_TOKEN", "hello", "is not a bot token: 123456789:AA…, as @BotFather gives it"),
        ("TELEGRAM_BASE_URL", "api.telegram.org", "must be scheme, host and port, such as http://127.0.0.1:8081"),
        ("TELEGRAM_BASE_URL", "ftp://x", "must be scheme, host and port, such as http://127.0.0.1:8081"),
        ("TELEGRAM_BASE_URL", "http://me:pw@x", "must be scheme, host and port, such as http://127.0.0.1:8081"),
        ("TELEGRAM_BASE_URL", "http://x:99999", "is not a URL"),
        ("TELEGRAM_BASE_URL", "http://x/bot", "must end after host and port; /bot and the token are added by the bot"),
        ("PVE_HOSTS", ",", "names no host"),
        ("PVE_HOSTS", "pve1,http://pve2", "'http://pve2' is not a host, host:port or https://host:port"),
        ("PVE_HOSTS", "pve1,pve1:8006", "names a host twice"),
        ("PVE_CA_FILE", "/nowhere/ca.pem", "/nowhere/ca.pem cannot be read (No such file or directory)"),
        ("PVE_FINGERPRINTS", f"pve9={PIN}", "'pve9' is not one of TELEMOX_PVE_HOSTS"),
        (
            "PVE_FINGERPRINTS",
            "AA:BB",
            "'AA:BB' is not a SHA-256 fingerprint: 32 bytes in hexadecimal, AA:BB:… or host=AA:BB:…",
        ),
        ("CEILINGS", "-1=boss", "'-1=boss' is not id=role; roles are viewer, operator, admin"),
        ("CEILINGS", "-1=viewer,-1=admin", "-1 is given twice"),
        (
            "OPERATORS",
            "1087968824",
            "1087968824 stands for somebody unknown (anonymous admins, channels); give the group's id a role",
        ),
        ("LOG_FORMAT", "xml", "must be one of text or json"),
    ],
)
def test_one_line_a_mistake(name: str, value: str, words: str) -> None:
    assert wrong(GOOD | {f"TELEMOX_{name}": value}) == (f"TELEMOX_{name}: {words}",)


def test_a_ca_file_that_holds_none(tmp_path: Path) -> None:
    file = with_file(tmp_path / "ca.pem", "hello")
    assert wrong(GOOD | {"TELEMOX_PVE_CA_FILE": str(file)}) == (
        f"TELEMOX_PVE_CA_FILE: {file} holds no certificate in PEM form",
    )


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TELEMOX_PVE_HOST", "TELEMOX_PVE_HOSTS"),
        ("telemox_admins", "TELEMOX_ADMINS"),
        ("TELEMOX_PVE_FINGERPRINT", "TELEMOX_PVE_FINGERPRINTS"),
        ("TELEMOX_TELEGRAM_TOKEN_FIEL", "TELEMOX_TELEGRAM_TOKEN_FILE"),
        ("TELEMOX_ADMIN", "TELEMOX_ADMINS"),
    ],
)
def test_the_nearest_name_in_environment_and_file_alike(tmp_path: Path, name: str, nearest: str) -> None:
    words = f"there is no such setting; did you mean {nearest}?"
    assert wrong(GOOD | {name: "1"}) == (f"{name}: {words}",)
    env_file = with_file(tmp_path / ".env", f"{name}=1\n")
    assert wrong(GOOD, env_file) == (f"{name} ({env_file}): {words}",)


@pytest.mark.parametrize("name", ["TELEMOX_FOO", "TELEMOX_TOKEN", "TELEMOX_USERS"])
def test_what_is_near_to_nothing_is_not_guessed_at(name: str) -> None:
    assert wrong(GOOD | {name: "1"}) == (f"{name}: there is no such setting",)


def test_of_a_refused_file_only_that_is_said(tmp_path: Path) -> None:
    """What it would have set is not known: "is not set" would be false. What the environment has wrong is true."""
    text = "".join(f"{name}={value}\n" for name, value in GOOD.items())
    open_to_all = with_file(tmp_path / "open", text, 0o644)
    assert wrong({}, open_to_all) == (f"{open_to_all}: others can read it; run: chmod 600 {open_to_all}",)
    assert wrong({}, tmp_path / "gone") == (f"{tmp_path / 'gone'}: there is no such file",)
    assert wrong({}, tmp_path) == (f"{tmp_path}: is not a file",)
    latin = tmp_path / "latin"
    latin.write_bytes(text.encode() + b"# \xe9\n")
    latin.chmod(0o600)
    assert wrong({}, latin) == (f"{latin}: is not UTF-8 text",)
    assert len(wrong({"TELEMOX_LOG_LEVEL": "loud"}, latin)) == 2


def test_the_names_of_several_clusters_are_kept_for_later() -> None:
    (line,) = wrong(GOOD | {"TELEMOX_CLUSTERS__LAB__PVE_HOSTS": "x"})
    assert line == (
        "TELEMOX_CLUSTERS__LAB__PVE_HOSTS: several clusters are not supported yet; set TELEMOX_PVE_HOSTS and its tokens"
    )


@pytest.mark.parametrize("name", list(config.FIELDS))
@pytest.mark.parametrize("secret", [TOKEN, SECRET, f"telemox@pve!view={SECRET}", f"x {TOKEN}"])
def test_a_secret_in_the_wrong_setting_is_not_echoed(name: str, secret: str) -> None:
    environ = {other: value for other, value in GOOD.items() if other != name}
    said = "\n".join(mistakes(None, GOOD | {name: secret}) + mistakes(None, environ | {f"{name}_FILE": secret}))
    assert SECRET not in said
    assert TOKEN not in said


@given(st.dictionaries(st.sampled_from(list(config.FIELDS)), st.text()))
@settings(deadline=None, max_examples=200)
def test_any_text_is_settings_or_a_config_error(environ: dict[str, str]) -> None:
    assert all(line and "\n" not in line for line in mistakes(None, GOOD | environ))


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_any_file_is_settings_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    env_file = tmp_path_factory.getbasetemp() / "any.env"
    env_file.write_bytes(b"TELEMOX_LOG_LEVEL=info\n" + content)
    env_file.chmod(0o600)
    assert all(mistakes(env_file, GOOD))


# -- the log -------------------------------------------------------------------------------------------------------


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The root logger as configured, put back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, {name: logging.getLogger(name).level for name in logs.QUIET})
    yield io.StringIO()
    root.handlers[:], level, quiet = before
    root.setLevel(level)
    for name, its in quiet.items():
        logging.getLogger(name).setLevel(its)
    logging.captureWarnings(False)


def test_no_secret_reaches_the_log(log: io.StringIO) -> None:
    found = load(None, GOOD)
    logs.configure("debug", "text", found.secrets, log)
    logger = logging.getLogger("bot.test")
    logger.info("GET https://api.telegram.org/bot%s/getMe", TOKEN)
    logger.info("by the look of it: bot99999:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0 and root@pam!x=%s", POWER)
    logger.info("encoded: %s", TOKEN.replace(":", "%3A"))
    try:
        raise ValueError(f"Authorization: PVEAPIToken=telemox@pve!view={SECRET}")
    except ValueError:
        logger.exception("failed")
    text = log.getvalue()
    assert logs.MASK in text
    assert "telemox@pve!view=" in text, "which token it was is worth knowing"
    for secret in (TOKEN, TOKEN.partition(":")[2], SECRET, POWER, "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"):
        assert secret not in text


def test_a_line_is_one_line(log: io.StringIO) -> None:
    logs.configure("info", "text", (), log)
    logging.getLogger("bot").warning('web<1>_&"\n2026-01-01T00:00:00Z INFO bot: forged\x1b[31m')
    (line,) = log.getvalue().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING bot: web<1>_&\"\\n2026.*forged\\x1b\[31m", line)


def test_json_lines(log: io.StringIO) -> None:
    logs.configure("info", "json", [SECRET], log)
    logging.getLogger("bot").error('a "quoted"\nname', exc_info=ValueError(SECRET))
    entry = json.loads(log.getvalue())
    assert entry["message"] == 'a "quoted"\nname'
    assert entry["level"] == "ERROR"
    assert SECRET not in entry["trace"]
    assert entry["trace"].endswith(f"ValueError: {logs.MASK}")


def test_libraries_are_quiet(log: io.StringIO) -> None:
    """httpx logs every URL at INFO, and the Bot API carries its token there."""
    logs.configure("debug", "text", (), log)
    logging.getLogger("httpx").info("HTTP Request: GET https://api.telegram.org/…")
    assert log.getvalue() == ""
