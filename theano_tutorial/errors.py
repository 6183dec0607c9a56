"""The error for invalid files and settings that a user gives to this project."""


class InputError(ValueError):
    """A file or a setting that cannot be used. The scripts print its one-line message and exit."""
