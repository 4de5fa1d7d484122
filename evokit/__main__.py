"""``python -m evokit``: the command where it is not on the path."""

from evokit.cli import main

if __name__ == "__main__":
    main(prog_name="evokit")
