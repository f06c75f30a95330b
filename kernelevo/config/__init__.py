"""Settings of a run, from flags, a TOML file and the environment; no room below reads them."""

from kernelevo.config.models import MAILBOX, RECORD, ModelTable
from kernelevo.config.repeating import needed
from kernelevo.config.settings import (
    DEVICES,
    GENERAL,
    MODEL_FREE,
    PROPOSERS,
    SAMPLERS,
    SWITCHES,
    Settings,
    load_settings,
    settings_of_run,
)

__all__ = [
    "DEVICES",
    "GENERAL",
    "MAILBOX",
    "MODEL_FREE",
    "PROPOSERS",
    "RECORD",
    "SAMPLERS",
    "SWITCHES",
    "ModelTable",
    "Settings",
    "load_settings",
    "needed",
    "settings_of_run",
]
