"""The pages: one file each; they show what views and detail say, and give orders."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from kernelevo.dashboard.hub import Hub
from kernelevo.dashboard.pages import about, failures, overview, programs, runs, steering, trial
from kernelevo.dashboard.pages.frame import View, frame
from kernelevo.dashboard.pages.markup import address


def register(hub: Hub) -> None:
    """Add every page to NiceGUI's addresses; called once in a process."""

    async def start() -> None:
        if hub.only:
            ui.navigate.to(address(hub.only))
        else:
            await runs.show(hub)

    def one(run: str, number: int) -> None:
        _framed(hub, run, "/programs", lambda view: trial.show(view, number))

    def compare(run: str, a: int, b: int) -> None:
        _framed(hub, run, "/programs", lambda view: trial.compare(view, a, b))

    ui.page("/", response_timeout=runs.PATIENCE)(start)
    ui.page("/run/{run}/trial/{number}")(one)
    ui.page("/run/{run}/diff")(compare)
    shown = {
        "": overview.show,
        "/programs": programs.show,
        "/failures": failures.show,
        "/steering": steering.show,
        "/about": about.show,
    }
    for path, show in shown.items():
        ui.page(f"/run/{{run}}{path}")(_page(hub, path, show))


def _page(hub: Hub, path: str, show: Callable[[View], None]) -> Callable[[str], None]:
    def page(run: str) -> None:
        _framed(hub, run, path, show)

    return page


def _framed(hub: Hub, run: str, path: str, show: Callable[[View], None]) -> None:
    with frame(hub, run, path) as view:
        if view:
            show(view)
