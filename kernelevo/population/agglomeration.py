"""Agglomeration: groups of vectors by average linkage, to a distance or to a number of groups."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def distances(vectors: Matrix) -> Matrix:
    """Return the cosine distances of all pairs, shape (n, n)."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    lengths[lengths == 0] = 1.0
    # whole numbers in double precision: the product is exact, so it is the same in whatever order it is added
    cosines = (vectors @ vectors.T) / lengths[:, None] / lengths[None, :]
    apart: Matrix = np.maximum(0.0, 1.0 - cosines)
    return apart


def agglomerate(
    vectors: Matrix, *, within: float | None = None, at_most: int | None = None, exactly: int | None = None
) -> list[list[int]]:
    """Group vectors by average linkage (Sokal and Michener 1958): the two closest join, again and again.

    Args:
        vectors: shape (n, dimensions).
        within: groups further apart than this do not join, as long as ``at_most`` holds.
        at_most: the largest number of groups.
        exactly: join until there are so many (fewer if there are fewer vectors), however far apart.

    Returns:
        Groups of row numbers, each ascending, ordered by their first row. O(n^3) with a small constant: for
        some hundred vectors.
    """
    count = len(vectors)
    groups = {row: [row] for row in range(count)}
    apart = distances(vectors)
    np.fill_diagonal(apart, np.inf)
    sizes = np.ones(count)
    while len(groups) > 1:
        one, two = divmod(int(np.argmin(apart)), count)
        if exactly is not None:
            if len(groups) <= exactly:
                break
        elif (within is None or apart[one, two] > within) and (at_most is None or len(groups) <= at_most):
            break
        one, two = min(one, two), max(one, two)
        merged = (sizes[one] * apart[one] + sizes[two] * apart[two]) / (sizes[one] + sizes[two])
        apart[one], apart[:, one] = merged, merged
        apart[one, one] = np.inf
        apart[two], apart[:, two] = np.inf, np.inf
        sizes[one] += sizes[two]
        groups[one] += groups.pop(two)
    return [sorted(groups[first]) for first in sorted(groups)]


def balanced(vectors: Matrix, count: int, smallest: int = 2) -> list[list[int]]:
    """Group vectors into ``count`` groups, none below ``smallest`` rows if there are rows enough.

    A group that is too small takes, from groups that can spare one, the row nearest to its centre.
    """
    groups = agglomerate(vectors, exactly=count)
    smallest = min(smallest, len(vectors) // max(1, len(groups)))
    for group in groups:
        while len(group) < smallest:
            spare = [row for other in groups if other is not group and len(other) > smallest for row in other]
            centre = vectors[group].sum(axis=0)
            apart = distances(np.vstack([centre, vectors[spare]]))[0, 1:]
            row = spare[int(np.argmin(apart))]
            next(other for other in groups if row in other).remove(row)
            group.append(row)
    return [sorted(group) for group in groups]
