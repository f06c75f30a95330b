"""``kernelevo run`` and ``kernelevo resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kernelevo.cli.detach import detach
from kernelevo.cli.flags import complete_run, listed, listed_paths
from kernelevo.cli.output import console, print_json, talk
from kernelevo.config import GENERAL, MODEL_FREE, PROPOSERS, SAMPLERS, Settings, load_settings
from kernelevo.core.budgets import BUDGETS
from kernelevo.core.shell import word
from kernelevo.report.live import LiveReport

NOTHING_FOUND = 1
Text = str | None


def run(
    task: Annotated[
        str,
        typer.Argument(
            help="kernelbench:3/13, ops/gemm, model.py:Class, file.py, tsp.py:tour, a folder, mlebench:NAME"
        ),
    ],
    budget: Annotated[Text, typer.Option(help=f"{BUDGETS}; default {Settings.budget}")] = None,
    device: Annotated[Text, typer.Option(help="cpu or cuda; default cpu")] = None,
    size: Annotated[
        Text, typer.Option(help="small, full or v0 (bundled tasks); default small on cpu, full on cuda")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the search; default 0")] = None,
    proposers: Annotated[
        Text,
        typer.Option(
            help=f"who proposes, with commas, of: {', '.join(PROPOSERS)}; default {','.join(MODEL_FREE)}, "
            f"for tasks that are no PyTorch module {','.join(GENERAL)}"
        ),
    ] = None,
    model: Annotated[
        Text, typer.Option(help="a language model, or several with commas; adds the proposer llm")
    ] = None,
    base_url: Annotated[Text, typer.Option(help="an OpenAI-compatible endpoint")] = None,
    mailbox: Annotated[
        Text, typer.Option(help="a folder for prompts and replies; adds the proposer mailbox")
    ] = None,
    repairs: Annotated[
        int | None, typer.Option(help="how often a failed program goes back with its error; default 1")
    ] = None,
    repair_model: Annotated[Text, typer.Option(help="who mends them; default the proposer's models")] = None,
    judge_model: Annotated[
        Text, typer.Option(help="a model (or 'mailbox') that reviews correct programs")
    ] = None,
    summary_model: Annotated[
        Text, typer.Option(help="a model (or 'mailbox') that sums up what was learned")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="longest reply; default 16384")] = None,
    reply_timeout: Annotated[float | None, typer.Option(help="longest wait for a reply, in seconds")] = None,
    replay: Annotated[Text, typer.Option(help="a record of replies that answers instead of a model")] = None,
    replay_loosely: Annotated[
        bool | None, typer.Option("--replay-loosely", help="by their order where a prompt is another one")
    ] = None,
    prompts: Annotated[
        Text, typer.Option(help="a folder of prompts and personas, over the built-in ones")
    ] = None,
    prompt_tokens: Annotated[int | None, typer.Option(help="what a prompt may take; default 24000")] = None,
    elsewhere: Annotated[
        Text, typer.Option(help="a folder: programs are left there for another machine to check")
    ] = None,
    no_knowledge: Annotated[
        bool | None, typer.Option("--no-knowledge", help="neither look notes up nor learn from this run")
    ] = None,
    executor: Annotated[
        Text, typer.Option(help="where programs are judged: inline, process or ray; default process")
    ] = None,
    ray_address: Annotated[
        Text, typer.Option(help="of a Ray cluster, HOST:6379; default: this machine's, else a new one")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="programs judged at the same time; default 1, on Ray every place; more than one need, where "
            "kernels are judged, --executor ray or --elsewhere"
        ),
    ] = None,
    thinkers: Annotated[
        int | None, typer.Option(help="programs thought of at the same time; default 2 or more")
    ] = None,
    policy: Annotated[
        Text, typer.Option(help="any, or no-aten: no PyTorch compute in forward; default any")
    ] = None,
    deterministic: Annotated[
        bool | None,
        typer.Option("--deterministic", help="ask n sees exactly the trials up to n - window: repeatable"),
    ] = None,
    window: Annotated[
        int | None, typer.Option(help="with --deterministic: how many trials an ask is behind; default 4")
    ] = None,
    out: Annotated[Text, typer.Option(help="folder of the run; default: a new one under runs/")] = None,
    islands: Annotated[int | None, typer.Option(help="number of islands; default 1")] = None,
    sampler: Annotated[
        Text, typer.Option(help=f"who becomes a parent: {', '.join(SAMPLERS)}; default {SAMPLERS[0]}")
    ] = None,
    programs: Annotated[
        Text, typer.Option(help="programs of your own that join: files or folders, with commas")
    ] = None,
    no_cold_start: Annotated[
        bool | None,
        typer.Option("--no-cold-start", help="no lines at the start, steered to different regions"),
    ] = None,
    no_islands: Annotated[bool | None, typer.Option("--no-islands", help="one island")] = None,
    no_clusters: Annotated[
        bool | None, typer.Option("--no-clusters/--clusters", help="an island is one cluster (default)")
    ] = None,
    no_elites: Annotated[
        bool | None,
        typer.Option(
            "--no-elites/--elites", help="no elite pool (default), or parents and inspirations from it"
        ),
    ] = None,
    no_migration: Annotated[
        bool | None, typer.Option("--no-migration", help="islands send each other nothing")
    ] = None,
    no_restart: Annotated[
        bool | None, typer.Option("--no-restart", help="an island without gains does not start anew")
    ] = None,
    no_shares: Annotated[
        bool | None, typer.Option("--no-shares", help="every island gets as many asks")
    ] = None,
    no_pressure: Annotated[
        bool | None, typer.Option("--no-pressure", help="the temperature stays in the middle")
    ] = None,
    no_distant: Annotated[
        bool | None, typer.Option("--no-distant", help="a second parent may come from the same cluster")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="a TOML file with a [run] table, and [models.NAME] ones")
    ] = None,
    detached: Annotated[
        bool, typer.Option("--detach", help="go on in the background; the run's folder gets its words")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the run as JSON at the end")] = False,
) -> int:
    """Make TASK faster: search until the budget is spent, then print the table and where the winner is."""
    flags = {
        "budget": budget,
        "device": device,
        "size": size,
        "seed": seed,
        "proposers": listed(proposers),
        "model": model,
        "base_url": base_url,
        "mailbox": mailbox,
        "repairs": repairs,
        "repair_model": repair_model,
        "judge_model": judge_model,
        "summary_model": summary_model,
        "max_tokens": max_tokens,
        "reply_timeout": reply_timeout,
        "replay": replay,
        "replay_loosely": replay_loosely,
        "prompts": prompts,
        "prompt_tokens": prompt_tokens,
        "elsewhere": elsewhere,
        "no_knowledge": no_knowledge,
        "executor": executor,
        "ray_address": ray_address,
        "workers": workers,
        "thinkers": thinkers,
        "policy": policy,
        "deterministic": deterministic,
        "window": window,
        "out": out,
        "islands": islands,
        "sampler": sampler,
        "programs": listed_paths(programs),
        "no_cold_start": no_cold_start,
        "no_islands": no_islands,
        "no_clusters": no_clusters,
        "no_elites": no_elites,
        "no_migration": no_migration,
        "no_restart": no_restart,
        "no_shares": no_shares,
        "no_pressure": no_pressure,
        "no_distant": no_distant,
    }
    settings = load_settings(flags, file=config)
    if detached:
        from kernelevo import api

        folder = api.claim_folder(task, settings)
        return detach(task, {**flags, "config": config, "out": None, "json": as_json}, folder)
    talk(f"kernelevo: {task} on {settings.device}, budget {settings.budget}")
    from kernelevo import api

    with LiveReport(console(stderr=as_json, working=True), budget=settings.budget) as report:
        result = api.run_task(task, settings, listener=report)
    return _end(result, as_json)


def resume(
    run: Annotated[
        str, typer.Argument(help="a run's folder, its name, or @last", autocompletion=complete_run)
    ] = "@last",
    budget: Annotated[Text, typer.Option(help=f"a new budget, added to what was used: {BUDGETS}")] = None,
    results: Annotated[
        Path | None, typer.Option("--import", help="checked.jsonl of another machine (see --elsewhere)")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the run as JSON at the end")] = False,
) -> int:
    """Go on with RUN from its recorded trials; its stored settings hold."""
    from kernelevo import api

    if results is not None:
        api.import_results(run, results, say=talk)
    talk(f"kernelevo: resuming {run}")
    with LiveReport(console(stderr=as_json, working=True), budget=budget or "") as report:
        result = api.resume(run, budget=budget, listener=report)
    return _end(result, as_json)


def _end(result: object, as_json: bool) -> int:
    from kernelevo.api import Result

    assert isinstance(result, Result)
    if as_json:
        print_json(result.to_json())
    else:
        console().print(result.table())
        talk(result.summary())
    if result.state == "stopped":
        talk(f"stopped; go on with: kernelevo resume {word(result.folder)}")
    return 0 if result.best else NOTHING_FOUND
