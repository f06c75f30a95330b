"""Importable: which files a child must read to import what its parent can, and no others of a person's."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SITES = ("site-packages", "dist-packages")
_INSTALLED = (".dist-info", ".egg-info", ".egg-link", ".pth")
_MODULES, _PACKAGE = (".py", ".pyc", ".so"), "__init__.py"


@dataclass(frozen=True)
class Importable:
    """What is granted for imports.

    Args:
        roots: files and folders that may be read with all that is in them.
        listed: folders whose names may be read, as an import does to find a module.
    """

    roots: tuple[str, ...]
    listed: tuple[str, ...]


def importable(path: Sequence[str]) -> Importable:
    """Return what a search path (``sys.path``) grants: the interpreter's folders, our own, and its entries.

    Folders of installed packages are granted whole. Of any other entry (a script's own folder, a project in
    ``PYTHONPATH``) only modules and packages are, those of namespaces one folder deep: beside them lie a
    person's data, runs and keys. Of a checkout that holds this package nothing but the package is.
    """
    return _importable(tuple(path), (sys.prefix, sys.base_prefix, sys.exec_prefix))


@functools.cache  # filled in the zygote: each child asks for it at its birth
def _importable(path: tuple[str, ...], prefixes: tuple[str, ...]) -> Importable:
    package = Path(__file__).resolve().parents[1]
    roots = [*prefixes, str(package), str(package.parent / "csrc")]
    if package.parent.name in _SITES:
        roots.append(str(package.parent))
    listed = []
    for entry in path:
        real = os.path.realpath(entry or os.curdir)
        if not os.path.exists(real) or package.is_relative_to(real):
            continue
        if _is_library(real, prefixes) or _is_installed(real):
            roots.append(real)
            continue
        listed.append(real)
        roots += _modules(real)
    unique = dict.fromkeys(os.path.realpath(root) for root in roots)
    return Importable(tuple(unique), tuple(dict.fromkeys(listed)))


def _is_library(entry: str, prefixes: Sequence[str]) -> bool:
    """Whether it is one of the interpreter's libraries; a project may lie beside them, as in /usr/src."""
    for prefix in prefixes:
        top = os.path.relpath(entry, os.path.realpath(prefix)).split(os.sep)[0]
        if top in ("lib", "lib32", "lib64"):
            return True
    return False


def _is_installed(entry: str) -> bool:
    """Whether packages were installed there: a file that is an archive of them, or a folder with records."""
    if not os.path.isdir(entry) or os.path.basename(entry) in _SITES:
        return True
    return any(name.endswith(_INSTALLED) for name in _names(entry))


def _modules(folder: str, *, inside: bool = True) -> list[str]:
    """Return the modules and packages in a folder, and those in folders that are namespaces.

    Data beside modules are no part of a namespace, and what a link to a folder leads to is nobody's package
    unless it says so: links lead to homes and disks.
    """
    found = []
    for name in _names(folder):
        path = os.path.join(folder, name)
        if name.endswith(_MODULES):
            found.append(path)
        elif not name.isidentifier():  # nothing that an import could name
            continue
        elif _PACKAGE in _names(path):
            found.append(path)
        elif inside and not os.path.islink(path):
            found += _modules(path, inside=False)
    return found


def _names(folder: str) -> list[str]:
    with suppress(OSError):  # no folder, or not ours to look into: nothing is granted
        return sorted(os.listdir(folder))
    return []
