"""Whether bytes are text: asked of every file that is opened, so it loads nothing."""

CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))
FEW_CONTROLS = 2
MOSTLY = 0.7


def is_binary(sample: bytes) -> bool:
    """Dirty text has a stray control character here and there; a tenth of anything else are such."""
    if b"\0" in sample:
        # UTF-16 whose mark is missing, as database exports have it: a zero beside nearly every letter.
        halves = sample[::2], sample[1::2]
        zeros, letters = sorted(halves, key=lambda half: half.count(0), reverse=True)
        if zeros.count(0) > len(zeros) * MOSTLY and not letters.count(0):
            sample = letters
    controls = len(sample) - len(sample.translate(None, CONTROLS))
    return controls > max(FEW_CONTROLS, len(sample) // 50)
