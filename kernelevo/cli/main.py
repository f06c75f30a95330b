"""The ``kernelevo`` command: one binary, a verb each, errors in plain words, exit codes with a meaning."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import typer

from kernelevo.cli import (
    again,
    audit,
    bench,
    check,
    doctor,
    knowledge,
    lint,
    look,
    new,
    rescore,
    run,
    serve,
    steer,
    tasks,
    watch,
)
from kernelevo.cli.output import FULL, hold_open, spell_out, talk, written_out
from kernelevo.cli.unseal import unseal
from kernelevo.device.heap import keep_freed
from kernelevo.errors import KernelEvoError, MachineError

app = typer.Typer(
    name="kernelevo",
    help="Makes a PyTorch module faster: proposes kernels, proves them, times them, evolves them.",
    epilog="Exit codes: 0 done, 1 nothing correct found or check failed, 2 your input, 3 your machine, "
    "4 our bug, 130 left by Ctrl-C before it was done.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 110},
)
RUNS = (run.run, run.resume, look.runs, look.show, watch.watch, look.export, again.replay, again.diff)
VERBS = (*RUNS, steer.steer, serve.serve)
JUDGES = (check.check, bench.bench, rescore.rescore, lint.lint, audit.audit, unseal)
for verb in (*VERBS, *JUDGES, tasks.tasks, new.new, doctor.doctor):
    app.command()(verb)
app.add_typer(knowledge.app, name="knowledge")

OUR_BUG = 4
INTERRUPTED = 130
# typer brings its own copy of click or uses the installed one, by version: take the class that it raises
USAGE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
    debug: bool = typer.Option(False, "--debug", help="Show a traceback with every error."),
) -> None:
    context.obj = {"debug": debug}
    if version:
        from kernelevo import __version__

        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    hold_open()
    keep_freed()  # several verbs judge in this process
    spell_out()
    sys.exit(written_out(run_command(given)))


def run_command(arguments: list[str]) -> int:
    """Run one command line and return its exit code; never raises."""
    debug = "--debug" in arguments
    try:
        code = app(arguments, prog_name="kernelevo", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except KernelEvoError as error:
        if debug:
            traceback.print_exc()
        talk(f"{type(error).__name__}: {error}")
        return error.exit_code
    except typer.Exit as leave:
        return leave.exit_code
    except USAGE as error:
        error.show(file=sys.stderr)
        return int(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        talk("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        return 0
    except SystemExit as leave:
        if isinstance(leave.__context__, BrokenPipeError):  # typer's way to leave when nobody reads on
            return 0
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            now = "make room; then, if a run was cut off: kernelevo resume"
            talk(f"the disk is full.\n  why  {error}\n  now  {now}")
            return MachineError.exit_code
        traceback.print_exc()
        talk(f"This is a bug of kernelevo, not of yours: {type(error).__name__}: {error}")
        return OUR_BUG
