"""The pages: one file each; they show what views and detail say, and give orders."""

from __future__ import annotations

from nicegui import ui

from kernelevo.dashboard.hub import Hub
from kernelevo.dashboard.pages import about, failures, overview, programs, runs, steering, trial
from kernelevo.dashboard.pages.frame import frame


def register(hub: Hub) -> None:
    """Add every page to NiceGUI's addresses; called once in a process."""

    @ui.page("/")
    def start() -> None:
        if hub.only:
            ui.navigate.to(f"/run/{hub.only}")
        else:
            runs.show(hub)

    shown = {
        "": overview.show,
        "/programs": programs.show,
        "/failures": failures.show,
        "/steering": steering.show,
        "/about": about.show,
    }
    for path, show in shown.items():

        def page(run: str, *, show: object = show, path: str = path) -> None:
            with frame(hub, run, path) as view:
                if view:
                    show(view)  # type: ignore[operator]

        ui.page(f"/run/{{run}}{path}")(_of_run(page))

    @ui.page("/run/{run}/trial/{number}")
    def one(run: str, number: int) -> None:
        with frame(hub, run, "/programs") as view:
            if view:
                trial.show(view, number)

    @ui.page("/run/{run}/diff")
    def compare(run: str, a: int, b: int) -> None:
        with frame(hub, run, "/programs") as view:
            if view:
                trial.compare(view, a, b)


def _of_run(page: object) -> object:
    def shown(run: str) -> None:
        page(run)  # type: ignore[operator]

    return shown
