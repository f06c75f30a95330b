"""This machine's secret: what sealed cases and generated data depend on, so that nobody can foresee them."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernelevo.errors import MachineError, refused

FOLDER = "KERNELEVO_SECRETS"
"""Environment variable with the folder of the secret; its name keeps it out of candidates' environments."""
OPTION = "secret_fingerprint"
"""Key of a task's options that says from which secret its data are."""
_BYTES = 32
_ELSEWHERE = f"another folder with {FOLDER}"


def folder() -> Path:
    """Return ``$KERNELEVO_SECRETS``, or ``~/.local/state/kernelevo``; candidates can read neither."""
    given = os.environ.get(FOLDER)
    return Path(os.path.expanduser(given)) if given else Path.home() / ".local" / "state" / "kernelevo"


def machine_secret() -> bytes:
    """Return the secret, made at the first call and kept in a file that only this user can read.

    Raises:
        Unwritable: if it cannot be kept; another one each time would make no two scores comparable.
    """
    path = folder() / "secret"
    try:
        return _kept(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise refused(f"the secret in {path} cannot be read.", _as_os_error(error), _ELSEWHERE) from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # whoever is first wins, all others read that one
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return _kept(path)
    except OSError as error:
        raise refused(f"the secret cannot be kept in {path.parent}.", error, _ELSEWHERE) from error


def named() -> dict[str, str]:
    """Return the option that binds a task to this machine's secret; raises as :func:`machine_secret`."""
    return {OPTION: fingerprint(machine_secret())}


def agreed(options: Mapping[str, Any]) -> bytes:
    """Return this machine's secret for a task with these options.

    Raises:
        MachineError: if the task was made on a machine with another one: its scores are of other data.
        Unwritable: if this machine's cannot be kept.
    """
    secret = machine_secret()
    wanted, here = options.get(OPTION), fingerprint(secret)
    if wanted is not None and wanted != here:
        raise MachineError(
            "the data of this task come from the secret of another machine",
            why=f"its fingerprint is {wanted}, here it is {here}: scores on other data cannot be compared",
            now=f"copy the secret from where the run began to {folder() / 'secret'}, or start a new run here",
        )
    return secret


def _kept(path: Path) -> bytes:
    found = bytes.fromhex(path.read_text("ascii"))
    if len(found) != _BYTES:  # an empty one would be no secret at all
        raise ValueError(f"it holds {len(found)} bytes, not {_BYTES}")
    return found


def derived(secret: bytes, *what: object) -> int:
    """Return a number of 256 bits that depends on a secret and some words, HMAC-SHA256."""
    text = "/".join(map(str, what))
    return int.from_bytes(hmac.new(secret, text.encode(), hashlib.sha256).digest(), "big")


def fingerprint(secret: bytes) -> str:
    """Return what may be shown of a secret: equal fingerprints mean comparable scores."""
    return f"{derived(secret, 'fingerprint') >> 224:08x}"


def _as_os_error(error: Exception) -> OSError:
    return error if isinstance(error, OSError) else OSError(str(error))
