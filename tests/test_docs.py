"""What is written says what the code says, and points at what is there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.actions import ACTIONS
from bot.config import FIELDS, ConfigError, load, secret
from bot.config.limits import settings_of
from bot.pages import PAGES
from bot.rules import RULES
from docs import generate

ROOT = Path(__file__).resolve().parent.parent
PAGES_OF_DOCS = sorted((ROOT / "docs").glob("*.md"))
WRITTEN = [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES_OF_DOCS]


def test_what_is_generated_is_as_the_code_says() -> None:
    stale = [str(path.relative_to(ROOT)) for path in generate.stale()]
    assert stale == [], "run make docs"


def test_a_stale_file_is_found_and_mended(tmp_path: Path) -> None:
    """In a copy: the check fails for a page that says too little, and passes once it is written anew."""
    for name in ("bot", "docs", "deploy"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
    for name in ("README.md", ".env.example"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".env.example").write_text("TELEMOX_OLD=1\n")
    (tmp_path / "deploy/pveum.sh").unlink()

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "docs.generate", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    found = run("--check")
    assert found.returncode == 1, found.stderr
    assert {line.partition(" ")[0] for line in found.stdout.splitlines()} == {".env.example", "deploy/pveum.sh"}
    assert run("--no-pictures").returncode == 0
    assert run("--check").returncode == 0
    assert (tmp_path / "deploy/pveum.sh").stat().st_mode & 0o111


def test_env_example_is_settings(tmp_path: Path) -> None:
    """As it stands, and with every line of it open, but for the file it names that is not there."""
    file = tmp_path / ".env"
    file.write_text((ROOT / ".env.example").read_text())
    file.chmod(0o600)
    assert load(file, {}).roles.granted == {}
    opened = re.sub(r"^# (?=TELEMOX_)", "", file.read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"^(TELEMOX_[A-Z_]+)=", opened, re.MULTILINE)) == set(FIELDS)
    file.write_text(opened)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    ours = {f"TELEMOX_{name}" for name in ("VIEWERS", "OPERATORS", "ADMINS", "CEILINGS")}
    assert ours <= {line.partition(":")[0] for line in caught.value.lines}, "no number in it may be somebody's"
    opened = re.sub("<id>|<your id>", "123456789", opened).replace("<group>", "1234567890")
    ca = tmp_path / "ca.pem"
    ca.write_text("-----BEGIN CERTIFICATE-----\n")
    file.write_text(opened.replace("/etc/telemox/pve-root-ca.pem", str(ca)))
    assert load(file, {}).admins == (123456789,)


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_told(name: str) -> None:
    assert f"| `{name}` |" in (ROOT / "docs/settings.md").read_text()


def test_every_action_and_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert all(f"| {action.emoji} {action.label} |" in readme for action in ACTIONS)
    assert all(f"| `/{page.key}` |" in readme for page in PAGES.values() if page.command and page.help)


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {*FIELDS, *(f"{name}_FILE" for name in FIELDS if secret(name))}
    known |= {figure.setting for rule in RULES for figure in settings_of(rule)} | {"TELEMOX_ALERTS"}  # …__<RULE>
    assert set(re.findall(r"TELEMOX_[A-Z_]*[A-Z]", page.read_text())) <= known


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text) + re.findall(r'src="(?!https?:)([^"]+)"', text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_pictures_are_shown_and_small() -> None:
    """Not what is on them: they are taken by `make docs`, on a walk in a browser that not every machine has."""
    pictures = {f"docs/pictures/{path.name}": path.stat().st_size for path in (ROOT / "docs/pictures").glob("*.png")}
    assert {"docs/pictures/status.png", "docs/pictures/question.png", "docs/pictures/done.png"} <= set(pictures)
    shown = re.findall(r'src="(docs/pictures/[^"]+)"', (ROOT / "README.md").read_text())
    assert sorted(shown) == sorted(pictures)
    assert [name for name, size in pictures.items() if size > 150_000] == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_a_table_has_as_many_cells_in_every_row(page: Path) -> None:
    width = None
    for line in page.read_text().splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else None
        assert width is None or cells is None or cells == width, line
        width = cells


def test_pages_are_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [page.name for page in PAGES_OF_DOCS if f"docs/{page.name}" not in readme] == []


def test_every_rule_of_security_names_tests_that_exist() -> None:
    text = (ROOT / "docs/security.md").read_text()
    rows = re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", text, re.MULTILINE)
    assert [number for number, _ in rows] == [str(number) for number in range(1, 18)]
    for number, held in rows:
        named = re.findall(r"`(tests/[a-z_/]+\.py)::(\w+)`", held)
        assert named, f"rule {number} has no test"
        for file, name in named:
            source = (ROOT / file).read_text()
            assert re.search(rf"^(async def {name}\(|def {name}\(|{name} = )", source, re.MULTILINE), f"{file}::{name}"


def test_the_example_of_the_readme_is_refused_until_it_is_filled_in() -> None:
    """Its values are nobody's: whoever copies them lets no stranger in."""
    block = re.search(r"( *TELEMOX_TELEGRAM_TOKEN=.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    values = dict(line.strip().split("=", 1) for line in block[1].splitlines() if line.strip())
    with pytest.raises(ConfigError) as caught:
        load(None, values)
    assert any(line.startswith("TELEMOX_ADMINS: '<your id>' is not a Telegram id") for line in caught.value.lines)


@pytest.mark.parametrize("name", [".env", "deploy/secrets/telegram_token", "deploy/telemox.env"])
def test_where_secrets_are_put_nothing_is_committed(name: str) -> None:
    lines = (ROOT / ".gitignore").read_text().splitlines()
    assert any(f"/{name}" == line or (line.endswith("/") and f"/{name}".startswith(line)) for line in lines)


def test_every_dependency_is_pinned_with_a_hash() -> None:
    pins = re.split(r"^(?=\S)", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    pins = [pin for pin in pins if pin.strip() and not pin.startswith("#")]
    assert len(pins) > 20
    assert [
        pin.split()[0] for pin in pins if not re.match(r"[\w.-]+(\[.+\])?==\S", pin) or "--hash=sha256:" not in pin
    ] == []
    assert "://" not in "".join(pins), "what is pinned is no address"


def test_the_changelog_has_this_version() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text()


def test_a_section_that_nobody_makes_is_an_error() -> None:
    with pytest.raises(KeyError):
        generate.filled("<!-- generated: nonsense -->\n<!-- end -->\n")
