"""This machine's secret: what sealed cases and generated data depend on, so that nobody can foresee them."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from kernelevo.errors import refused

FOLDER = "KERNELEVO_SECRETS"
"""Environment variable with the folder of the secret; its name keeps it out of candidates' environments."""
_BYTES = 32


def folder() -> Path:
    """Return ``$KERNELEVO_SECRETS``, or ``~/.local/state/kernelevo``; candidates can read neither."""
    given = os.environ.get(FOLDER)
    return Path(given).expanduser() if given else Path.home() / ".local" / "state" / "kernelevo"


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
        raise refused(f"the secret in {path} cannot be read.", _as_os_error(error)) from error
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
        raise refused(f"the secret cannot be kept in {path.parent}.", error) from error


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
