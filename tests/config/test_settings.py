from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.config import MODEL_FREE, PROPOSERS, SAMPLERS, SWITCHES, Settings, load_settings
from kernelevo.errors import BadSetting

NO_ENV: dict[str, str] = {}
IN_ADDRESSES = st.characters(exclude_categories=["Cs"], exclude_characters="@?#")

settings = st.builds(
    Settings,
    budget=st.text(max_size=20),
    device=st.sampled_from(["cpu", "cuda"]),
    size=st.sampled_from([None, "small", "full", "v0"]),
    seed=st.integers(-(2**40), 2**40),
    proposers=st.lists(st.sampled_from(MODEL_FREE), min_size=1, max_size=4, unique=True).map(tuple),
    model=st.none() | st.text(min_size=1, max_size=20),
    base_url=st.none() | st.text(IN_ADDRESSES, min_size=1, max_size=20),
    workers=st.none() | st.integers(1, 64),
    deterministic=st.booleans(),
    out=st.none() | st.text(max_size=20),
    islands=st.none() | st.integers(1, 9),
    sampler=st.sampled_from(SAMPLERS),
    no_elites=st.booleans(),
)


@given(settings)
def test_json_and_back(some: Settings) -> None:
    assert Settings.from_json(some.to_json()) == some


@given(some=settings)
def test_toml_and_back(some: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("toml") / "config.toml"
    file.write_text(some.to_toml(), "utf-8")
    assert load_settings({"proposers": list(some.proposers)}, file=file, environ=NO_ENV) == some


def test_flags_win_over_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[run]\nmodel = "file"\nbase_url = "file"\nseed = 3\nbudget = "9s"\n')
    got = load_settings(
        {"budget": "1s", "seed": None},
        file=file,
        environ={"KERNELEVO_MODEL": "env"},
    )
    assert (got.model, got.base_url, got.seed, got.budget) == ("env", "file", 3, "1s")


def test_naming_a_model_adds_the_llm_proposer() -> None:
    assert load_settings({"model": "m"}, environ=NO_ENV).proposers == (*MODEL_FREE, "llm")
    elsewhere = {"KERNELEVO_MODEL": "m"}  # meant for whatever run asks one
    assert load_settings({"proposers": ["tune"]}, environ=elsewhere).proposers == ("tune",)
    assert load_settings({"proposers": "tune, rewrite"}, environ=NO_ENV).proposers == ("tune", "rewrite")


def test_recorded_replies_are_all_that_is_asked_unless_a_model_is_named_for_this_run() -> None:
    elsewhere = {"KERNELEVO_MODEL": "m"}
    assert load_settings({"replay": "r.jsonl"}, environ=elsewhere).proposers == ("llm",)
    both = load_settings({"replay": "r.jsonl", "model": "m"}, environ=NO_ENV)
    assert both.proposers == (*MODEL_FREE, "llm")
    assert load_settings({"replay": "r.jsonl", "mailbox": "box"}, environ=NO_ENV).proposers == (
        "llm",
        "mailbox",
    )


@pytest.mark.parametrize(
    ("flag", "flags"),
    [
        ("--model", {"model": "m", "proposers": ["tune"]}),
        ("--mailbox", {"mailbox": "box", "proposers": ["tune"]}),
        ("--replay", {"replay": "r.jsonl", "proposers": ["tune"]}),
        ("--replay-loosely", {"replay_loosely": True}),
        ("--window", {"window": 5}),
        ("--thinkers", {"deterministic": True, "thinkers": 4}),
        ("--workers", {"executor": "inline", "workers": 4}),
        ("--base-url", {"base_url": "http://host/v1"}),
        ("--base-url", {"base_url": "http://host/v1", "replay": "r.jsonl", "model": "m"}),
        ("--base-url", {"base_url": "http://host/v1", "mailbox": "box", "judge_model": "mailbox"}),
        ("--base-url", {"base_url": "http://h/v1", "model": "m", "models": {"m": {"base_url": "http://o"}}}),
        ("--repair-model", {"repair_model": "m"}),
        ("--repair-model", {"repair_model": "m", "mailbox": "box"}),
        ("--repairs", {"repairs": 3}),
        ("--repairs", {"repairs": 3, "judge_model": "m"}),
        ("--max-tokens", {"max_tokens": 100}),
        ("--prompt-tokens", {"prompt_tokens": 100}),
        ("--reply-timeout", {"reply_timeout": 5.0}),
        ("--islands", {"islands": 3, "no_islands": True}),
        ("--no-islands", {"no_islands": True}),
        ("--no-migration", {"no_migration": True}),
        ("--no-migration", {"no_migration": True, "islands": 1}),
        ("--no-restart", {"no_restart": True}),
        ("--no-shares", {"no_shares": True, "model": "m"}),
        ("--no-distant", {"no_distant": True}),
        ("--no-distant", {"no_distant": True, "model": "m", "no_cold_start": True}),
        ("--no-cold-start", {"no_cold_start": True}),
    ],
)
def test_what_would_do_nothing_is_refused(flag: str, flags: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=f"{flag} would do nothing") as caught:
        load_settings(flags, environ=NO_ENV)
    assert caught.value.why and "leave" in str(caught.value.now)


def test_what_does_something_is_taken() -> None:
    for flags in (
        {"replay": "r.jsonl", "proposers": ["tune"], "judge_model": "m"},
        {"deterministic": True, "window": 4, "thinkers": 1},
        {"executor": "inline", "workers": 1},
        {"replay": "r.jsonl", "replay_loosely": True},
        {"base_url": "http://host/v1", "summary_model": "m"},
        {"base_url": "http://h/v1", "model": "a,b", "models": {"a": {"base_url": "http://o"}}},
        {"model": "m", "repair_model": "n", "repairs": 3},
        {"mailbox": "box", "repairs": 3, "prompt_tokens": 100, "reply_timeout": 5.0},
        {"judge_model": "m", "max_tokens": 100, "reply_timeout": 5.0},
        {"islands": 1, "no_islands": True},
        {"islands": 2, "no_migration": True, "no_restart": True, "no_shares": True, "no_distant": True},
        {"no_distant": True, "no_clusters": False},
        {"no_distant": True, "model": "m"},
        {"no_cold_start": True, "model": "m"},
        {"no_cold_start": True, "mailbox": "box"},
        {"no_cold_start": True, "islands": 1},
        load_settings({"budget": "3s"}, environ=NO_ENV).to_json(),  # all of them, as one run hands them on
    ):
        assert load_settings(flags, environ=NO_ENV)


def test_an_endpoint_of_the_environment_is_that_of_runs_that_ask_one() -> None:
    elsewhere = {"KERNELEVO_BASE_URL": "http://host/v1"}
    secret = {"KERNELEVO_BASE_URL": "http://me:password@host/v1"}
    assert load_settings({"judge_model": "m"}, environ=elsewhere).base_url == "http://host/v1"
    given = {"model": "m", "base_url": "http://given/v1"}
    assert load_settings(given, environ=elsewhere).base_url == "http://given/v1"
    for environ in (elsewhere, secret):  # meant for other runs: neither refused nor kept
        assert load_settings({"budget": "1s"}, environ=environ).base_url is None
        assert load_settings({"model": "m", "replay": "r.jsonl"}, environ=environ).base_url is None


def test_settings_of_a_file_may_be_meant_for_other_runs(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[run]\nmodel = "m"\nwindow = 4\n')
    assert load_settings({"proposers": ["tune"]}, file=file, environ=NO_ENV).proposers == ("tune",)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"device": "cuda0"}, "did you mean 'cuda'"),
        ({"size": "tiny"}, "known: full, small, v0"),
        ({"policy": "none"}, "no-aten"),
        ({"ray_address": "10.0.0.1:6379"}, "--executor ray"),
        ({"thinkers": 0}, "at least 1"),
        ({"executor": "proces"}, "did you mean 'process'"),
        ({"proposers": ["rewite"]}, "did you mean 'rewrite'"),
        ({"proposers": []}, "no proposer"),
        ({"proposers": ["llm"]}, "--model"),
        ({"model": ""}, "model cannot be empty"),
        ({"base_url": ""}, "base_url cannot be empty"),
        ({"proposers": ["mailbox"]}, "--mailbox"),
        ({"workers": 0}, "at least 1"),
        ({"islands": 0}, "at least 1"),
        ({"islands": "4"}, "must be a whole number"),
        ({"sampler": "topq"}, "did you mean 'topk'"),
        ({"no_elites": 1}, "must be true or false"),
        ({"window": -2}, "at least 1"),
        ({"reply_timeout": float("inf")}, "without end"),
        ({"reply_timeout": float("nan")}, "without end"),
        ({"models": {"m": {"timeout": float("inf")}}}, "timeout cannot be inf"),
        ({"models": {"m": {"timeout": 0}}}, "timeout cannot be 0"),
        ({"models": {"m": {"input": float("inf"), "output": 1.0}}}, "input cannot be inf"),
        ({"seed": "x"}, "must be a whole number"),
        ({"seed": True}, "must be a whole number"),
        ({"deterministic": 1}, "must be true or false"),
        ({"budgets": "1s"}, "did you mean 'budget'"),
        ({"budget": 200}, 'write budget = "200"'),
        ({"models": 3}, "models must be a table"),
    ],
)
def test_bad_values_say_what_is_known(flags: dict[str, object], words: str) -> None:
    with pytest.raises(BadSetting) as caught:
        load_settings(flags, environ=NO_ENV)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[run", "cannot be read"),
        ("[rum]\n", "no section [rum]"),
        ("run = 5\n", "run is no table"),
        ("[[run]]\nseed = 1\n", "run is no table"),
        (None, "does not exist"),
    ],
)
def test_bad_files(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "c.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadSetting, match=words.replace("[", r"\[")):
        load_settings({}, file=file, environ=NO_ENV)


def test_all_proposers_have_settings_that_allow_them() -> None:
    every = Settings(proposers=PROPOSERS, model="m", mailbox="box")
    assert every.proposers == PROPOSERS


def test_every_switch_is_a_setting_and_a_flag_of_run() -> None:
    import typer

    from kernelevo.cli.main import app

    flags = {o for p in typer.main.get_command(app).commands["run"].params for o in p.opts}  # type: ignore[attr-defined]
    for name in (*SWITCHES, "islands", "sampler"):
        assert hasattr(Settings(), name) and f"--{name.replace('_', '-')}" in flags
    assert (
        load_settings({"no_elites": True, "sampler": "topk"}, environ=NO_ENV).to_json()["no_elites"] is True
    )


def test_a_key_in_the_place_of_its_variable_is_refused_and_not_shown():
    with pytest.raises(BadSetting, match="environment") as caught:
        Settings(models={"m": {"key_variable": "sk-very-secret"}})
    assert "secret" not in str(caught.value)
    assert Settings(models={"m": {"key_variable": "OTHER_KEY"}}).models


@pytest.mark.parametrize(
    "address",
    ["https://me:hunter2@host/v1", "me:hunter2@host/v1", "https://host/v1?k=hunter2", "https://h/v1#hunter2"],
)
def test_an_address_with_a_secret_is_refused_and_not_shown(address, tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(f'[run]\nmodel = "m"\nbase_url = "{address}"\n')
    table = {"models": {"m": {"base_url": address}}}
    for flags, environ, more in (
        ({"base_url": address, "model": "m"}, NO_ENV, {}),
        ({"model": "m"}, {"KERNELEVO_BASE_URL": address}, {}),
        ({"model": "m", **table}, NO_ENV, {}),
        ({}, NO_ENV, {"file": file}),
    ):
        with pytest.raises(BadSetting, match="export OPENAI_API_KEY") as caught:
            load_settings(flags, environ=environ, **more)
        assert "hunter" not in str(caught.value) and "base_url" in str(caught.value)
    assert Settings(base_url="http://[::1]:8000/v1", models={"m": {"base_url": "https://h/v1"}}).base_url


def test_files_and_folders_are_found_from_any_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "own"))
    file = tmp_path / "run.toml"
    file.write_text('[run]\nmailbox = "letters"\nprompts = "~/words"\n')
    given = {"replay": "../replies.jsonl", "elsewhere": "/there", "programs": ["mine.py", "~/theirs"]}
    chosen = load_settings(given, file=file)
    assert chosen.mailbox == str(tmp_path / "letters") and chosen.prompts == str(tmp_path / "own/words")
    assert chosen.replay == str(tmp_path.parent / "replies.jsonl") and chosen.elsewhere == "/there"
    assert chosen.programs == (str(tmp_path / "mine.py"), str(tmp_path / "own/theirs"))
    assert load_settings({}).mailbox is None
