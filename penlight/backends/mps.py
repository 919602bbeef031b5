"""Apple's graphics processors, which penlight does not use."""


def is_available() -> bool:
    """False."""
    return False


def is_built() -> bool:
    """False."""
    return False
