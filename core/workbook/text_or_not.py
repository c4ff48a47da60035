"""Whether bytes are text: asked of every file that is opened, so it loads nothing."""

CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))
FEW_CONTROLS = 2


def is_binary(sample: bytes) -> bool:
    """Dirty text has a stray control character here and there; a tenth of anything else are such."""
    controls = len(sample) - len(sample.translate(None, CONTROLS))
    return controls > max(FEW_CONTROLS, len(sample) // 50)
