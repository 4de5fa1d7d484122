"""The version, apart from the package's face: a stranger's package of its name may lie over that."""

VERSION = "0.2.0"
