"""Profiles and templates from files: read strictly, taken up again when they change, and really applied to sessions."""

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.forge import Site, in_forge
from volundr.domain.errors import Invalid
from volundr.domain.paging import PageRequest, page_of
from volundr.domain.presets import Preset
from volundr.domain.profiles import Manner, Problem, Profile
from volundr.domain.sessions.contributors.template import Layers, filled
from volundr.domain.sessions.model import GitSource, Options, Session
from volundr.domain.sessions.spec import Repository
from volundr.domain.templates import Layout, Template
from volundr.local.profiles import YamlProfiles
from volundr.local.templates import YamlTemplates
from volundr.local.yaml_folder import YamlFolder

AGENTS = ("demo", "other")

WEB = """\
description: A web shop
agent: demo
profile: careful
source:
  url: https://example.invalid/shop.git
  branch: main
repositories:
  - url: https://example.invalid/docs.git
    path: docs
layout:
  folders: [notes/today]
  files:
    notes/README.md: |
      It's a note.
setup:
  - npm ci
env:
  PORT: 8080
initial_prompt: Look around.
"""


def write(home: Path, name: str, text: str) -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def templates(home: Path) -> tuple[Sequence[Template], Sequence[str]]:
    async def read() -> tuple[Sequence[Template], Sequence[str]]:
        provider = YamlTemplates(home, AGENTS)
        return await provider.templates(), [str(problem) for problem in await provider.problems()]

    return asyncio.run(read())


def test_a_template_is_read(tmp_path: Path) -> None:
    write(tmp_path, "templates/web.yaml", WEB)
    found, problems = templates(tmp_path)
    assert problems == []
    assert found == [
        Template(
            name="web",
            file="templates/web.yaml",
            description="A web shop",
            agent="demo",
            profile="careful",
            source=GitSource(url="https://example.invalid/shop.git", branch="main"),
            repositories=(Repository(url="https://example.invalid/docs.git", path="docs"),),
            layout=Layout(folders=("notes/today",), files={"notes/README.md": "It's a note.\n"}),
            setup=("npm ci",),
            env={"PORT": "8080"},
            initial_prompt="Look around.",
        )
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agent: demo\nmodle: x\n", "2:1: modle: There is no such field here. There is: name, description, agent, model"),
        ("agent: nobody\n", "1:1: agent: There is no agent called 'nobody'. There is: demo, other."),
        ("description: [1]\n", "1:1: description: This must be a text; put it in quotes."),
        ("env:\n  OK: fine\n  DEBUG: true\n", "3:3: env.DEBUG: This must be a text; put it in quotes."),
        ("env:\n  not a name: x\n", "2:3: env.not a name: "),
        ("repositories:\n  - url: a\n    path: b\n  - path: c\n", "4:5: repositories.1: `url` is missing."),
        ("repositories:\n  - url: a\n    path: ../b\n", "3:5: repositories.0.path: '../b' is not a path below the workspace"),
        ("repositories:\n  - {url: a, path: b}\n  - {url: c, path: b}\n", "3:14: repositories.1.path: Another repository"),
        ("source:\n  branch: x\n", "1:1: source: It needs either `url` or `path`."),
        ("source:\n  url: --upload-pack=x\n", "2:3: source.url: "),
        ("source:\n  path: /x\n  mode: copy\n", "3:3: source.mode: Input should be 'worktree' or 'in_place'."),
        ("layout:\n  file: x\n", "2:3: layout.file: There is no such field here. There is: folders, files."),
        ("layout:\n  folders:\n    - ok\n    - /etc\n", "4:7: layout.folders.1: '/etc' is not a path below"),
        ("setup: npm ci\n", "1:1: setup: This must be a list"),
        ("- a\n", "1:1: It must be fields with values: name, description"),
        ("", "1:1: It must be fields with values"),
        ("agent: demo\n  model: x\n", "2:8: This is not YAML: mapping values are not allowed here"),
        ("agent: demo\nagent: other\n", "2:1: This is not YAML: found duplicate key"),
        ("env: &a\n  X: *a\n", "2:3: env.X: This must be a text"),
        ("name: Not A Name\n", "1:1: name: "),
    ],
)
def test_an_error_names_file_line_and_column_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "templates/web.yaml", text)
    found, problems = templates(tmp_path)
    assert not found
    assert problems[0].startswith(f"templates/web.yaml:{said}"), problems


def test_changes_are_taken_up_and_a_broken_file_keeps_what_it_said(tmp_path: Path) -> None:
    async def scenario() -> None:
        profiles = YamlProfiles(tmp_path, AGENTS, every=0)
        assert (await profiles.profiles(), await profiles.problems()) == ([], [])
        write(tmp_path, "profiles/a.yaml", "model: one\n")
        assert [profile.model for profile in await profiles.profiles()] == ["one"]
        write(tmp_path, "profiles/a.yaml", "model: one\nmodel two\n")
        assert [profile.model for profile in await profiles.profiles()] == ["one"]
        assert str((await profiles.problems())[0]).startswith("profiles/a.yaml:2:")
        write(tmp_path, "profiles/a.yaml", "model: three!\n")
        assert [profile.model for profile in await profiles.profiles()] == ["three!"]
        assert await profiles.problems() == []
        (tmp_path / "profiles/a.yaml").unlink()
        (tmp_path / "profiles/b.yaml").mkdir()
        write(tmp_path, "profiles/c.yaml", "x" * 1024 * 1025)
        write(tmp_path, "profiles/d.yaml", "").write_bytes(b"\xff\xfe\xff")
        assert await profiles.profiles() == []
        assert [problem.file for problem in await profiles.problems()] == [f"profiles/{name}.yaml" for name in "bcd"]

    asyncio.run(scenario())


def test_what_was_seen_counts_for_a_second(tmp_path: Path) -> None:
    async def scenario() -> None:
        profiles = YamlProfiles(tmp_path, AGENTS, every=3600)
        assert await profiles.profiles() == []
        write(tmp_path, "profiles/a.yaml", "model: one\n")
        assert await profiles.profiles() == []

    asyncio.run(scenario())
    assert YamlFolder.__init__.__defaults__ == (1.0,)


def test_names_and_defaults_that_are_there_twice_are_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        profiles = YamlProfiles(tmp_path, AGENTS)
        for name, text in {"a": "is_default: true", "b": "name: a", "c": "is_default: true"}.items():
            write(tmp_path, f"profiles/{name}.yaml", f"{text}\n")
        assert [(one.name, one.is_default) for one in await profiles.profiles()] == [("a", True), ("c", False)]
        assert [str(problem) for problem in await profiles.problems()] == [
            "profiles/b.yaml: The name 'a' is taken by profiles/a.yaml, which counts.",
            "profiles/c.yaml: is_default: profiles/a.yaml is the default already.",
        ]

    asyncio.run(scenario())


def test_pages_by_name_go_both_ways() -> None:
    items = [Profile(name=name) for name in "cab"]

    def names(**asked: Any) -> tuple[list[str], str | None]:
        page = page_of(items, PageRequest(**asked), lambda one: one.name)
        return [one.name for one in page.items], page.next

    assert names(limit=2) == (["a", "b"], "b")
    assert names(limit=2, cursor="b") == (["c"], None)
    assert names(limit=1, sort="-name", cursor="c") == (["b"], "b")
    with pytest.raises(Invalid, match="sorted"):
        names(sort="file")
    assert str(Problem(file="a.yaml", text="x")) == "a.yaml: x"


# --- what applies to a session ----------------------------------------------------------------------------------------


def test_each_layer_fills_in_what_those_before_it_left_open() -> None:
    session = Session(name="s", agent="", options=Options(env={"A": "given"}, credentials=("mine",)))
    preset = Preset(tenant_id="t", owner_id="o", name="p", agent="demo", env={"A": "p", "B": "p"}, credentials=("theirs", "mine"))
    template = Template(name="t", model="t-model", env={"B": "t", "C": "t"}, initial_prompt="go", source=GitSource(url="u"))
    profile = Profile(name="f", model="f-model", mode="plan", system_prompt="be kind", resources={"cpu": "2"})
    made = filled(session, Layers(preset=preset, template=template, profile=profile))
    assert (made.agent, made.model, made.source) == ("demo", "t-model", GitSource(url="u"))
    assert made.options == Options(
        env={"A": "given", "B": "p", "C": "t"},
        credentials=("mine", "theirs"),
        resources={"cpu": "2"},
        mode="plan",
        system_prompt="be kind",
        initial_prompt="go",
        preset=str(preset.id),
        template="t",
        profile="f",
    )
    given = Session(name="s", agent="x", model="m", source=GitSource(url="mine"), options=Options(initial_prompt="stay"))
    kept = filled(given, Layers(preset=preset, template=template, profile=profile))
    assert (kept.agent, kept.model, kept.source, kept.options.initial_prompt) == ("x", "m", GitSource(url="mine"), "stay")


def test_words_of_one_agent_are_not_given_to_another() -> None:
    layers = Layers(profile=Profile(name="f", agent="other", model="big", mode="plan", thinking="high", system_prompt="hi"))
    made = filled(Session(name="s", agent="demo"), layers)
    assert (made.agent, made.model, made.options.mode, made.options.thinking) == ("demo", "", "", "")
    assert made.options.system_prompt == "hi"
    assert filled(Session(name="s", agent=""), layers).model == "big"
    assert filled(Session(name="s", agent="demo"), Layers()).options == Options()
    assert Manner() == Manner()


def test_a_layout_becomes_a_script_that_overwrites_nothing(tmp_path: Path) -> None:
    layout = Layout(folders=("a b/c",), files={"d/$(x)'y": "it's\n$HOME\n", "-n": "", "kept": "new"})
    (tmp_path / "kept").write_text("old")
    for _ in range(2):
        subprocess.run(["/bin/sh", "-e"], input=layout.script(), text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "a b/c").is_dir()
    assert (tmp_path / "d/$(x)'y").read_text() == "it's\n$HOME\n"
    assert (tmp_path / "-n").read_text() == ""
    assert (tmp_path / "kept").read_text() == "old"
    assert Layout().script() == ""


# --- in a forge -------------------------------------------------------------------------------------------------------


def test_a_template_is_applied_and_recorded(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        write(
            site.home, "templates/web.yaml", WEB.replace("source:\n  url: https://example.invalid/shop.git\n  branch: main\n", "")
        )
        write(site.home, "profiles/careful.yaml", "model: small\nmode: plan\nsystem_prompt: Take care.\n")
        write(site.home, "profiles/usual.yaml", "is_default: true\nenv: {USUAL: '1'}\n")
        body = {"name": "s", "options": {"template": "web"}}
        made = (await site.http.post("/api/v1/sessions", json=body)).json()
        assert (made["agent"], made["model"]) == ("demo", "small")
        options = made["options"]
        assert (options["template"], options["profile"], options["mode"]) == ("web", "careful", "plan")
        await site.until(made["id"], "running")
        spec = next(iter(site.pods.specs.values()))
        assert spec.repositories == (Repository(url="https://example.invalid/docs.git", path="docs"),)
        assert [*spec.setup[1:]] == ["npm ci"]
        assert "notes/README.md" in spec.setup[0]
        assert spec.env["PORT"] == "8080"
        assert (spec.initial_prompt, spec.system_prompt) == ("Look around.", "Take care.")
        found = (await site.http.get("/api/v1/profiles")).json()
        assert {one["name"]: one["active_sessions"] for one in found["items"]} == {"careful": 1, "usual": 0}
        assert (await site.http.get("/api/v1/profiles/careful")).json()["active_sessions"] == 1
        plain = (await site.http.post("/api/v1/sessions", json={"name": "p", "agent": "demo", "start": False})).json()
        assert plain["options"]["profile"] == "usual"
        wrong = await site.http.post("/api/v1/sessions", json={"name": "w", "options": {"template": "nothing"}})
        assert wrong.status_code == 404
        assert "There is no template called 'nothing'." in wrong.text
        fork = (await site.http.post(f"/api/v1/sessions/{made['id']}/fork", json={"name": "f", "start": False})).json()
        assert fork["options"]["template"] == "web"

    in_forge(tmp_path, scenario)


def test_templates_and_profiles_are_listed_with_what_is_wrong(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        write(site.home, "templates/a.yaml", WEB)
        write(site.home, "templates/b.yaml", "agent: demo\nsetup: no list\n")
        write(site.home, "profiles/p.yaml", "colour: blue\n")
        page = (await site.http.get("/api/v1/templates?limit=1")).json()
        assert [one["name"] for one in page["items"]] == ["a"]
        assert [(one["file"], one["line"], one["column"]) for one in page["problems"]] == [("templates/b.yaml", 2, 1)]
        one = (await site.http.get("/api/v1/templates/a")).json()
        assert one["source"] == {"url": "https://example.invalid/shop.git", "branch": "main", "type": "git"}
        assert one["repositories"] == [{"url": "https://example.invalid/docs.git", "path": "docs", "branch": ""}]
        assert one["problems"] == []
        gone = await site.http.get("/api/v1/templates/b")
        assert gone.status_code == 404
        assert "templates/b.yaml:2:1" in gone.json()["hint"]
        problems = (await site.http.get("/api/v1/profiles")).json()["problems"]
        assert problems[0]["text"].startswith("colour: There is no such field here.")
        assert (await site.http.get("/api/v1/profiles?sort=colour")).status_code == 422

    in_forge(tmp_path, scenario)


def test_a_template_that_went_stops_only_sessions_that_were_never_up(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        file = write(site.home, "templates/plain.yaml", "agent: demo\nsetup: ['true']\n")
        body = {"name": "up", "options": {"template": "plain"}}
        up = (await site.http.post("/api/v1/sessions", json=body)).json()
        await site.until(up["id"], "running")
        later = (await site.http.post("/api/v1/sessions", json=body | {"name": "later", "start": False})).json()
        await site.http.post(f"/api/v1/sessions/{up['id']}/stop")
        await site.until(up["id"], "stopped")
        file.unlink()
        async with asyncio.timeout(5):
            while (await site.http.get("/api/v1/templates/plain")).status_code != 404:
                await asyncio.sleep(0.05)  # what was seen counts for a second
        await site.http.post(f"/api/v1/sessions/{up['id']}/start")
        await site.until(up["id"], "running")
        await site.http.post(f"/api/v1/sessions/{later['id']}/start")
        assert "is not there any more" in str((await site.until(later["id"], "failed"))["error"])

    in_forge(tmp_path, scenario)
