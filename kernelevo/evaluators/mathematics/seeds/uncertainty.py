"""Touching points of the sign uncertainty inequality, on a curve with a few numbers."""

TUNE = {
    "POINTS": [1, 2, 3, 4],
    "FIRST": [2.0, 2.5, 2.1, 2.2, 2.25, 2.3, 2.4, 2.6, 2.8, 3.0],
    "GAP": [4.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.25, 4.5, 5.0],
    "BEND": [1.0, 0.5, 0.7, 0.85, 1.2],
}


def solve():
    first, gap, bend = TUNE["FIRST"][0], TUNE["GAP"][0], TUNE["BEND"][0]
    return {"points": [first + gap * k**bend for k in range(TUNE["POINTS"][0])]}
