"""``python -m kernelevo`` is the ``kernelevo`` command."""

from kernelevo.cli.main import main

main()
