"""Settings of a run, from flags, a TOML file and the environment; no room below reads them."""

from kernelevo.config.settings import (
    DEVICES,
    GENERAL,
    MODEL_FREE,
    PROPOSERS,
    SAMPLERS,
    SWITCHES,
    Settings,
    load_settings,
)

__all__ = [
    "DEVICES",
    "GENERAL",
    "MODEL_FREE",
    "PROPOSERS",
    "SAMPLERS",
    "SWITCHES",
    "Settings",
    "load_settings",
]
