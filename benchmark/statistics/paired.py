"""Whether one set of predictions is clearly worse than another on the same rows: the one-standard-error rule."""

import numpy as np

from benchmark.statistics.resampling import Scored, draw, points, resample

_DRAWS = 200


def clearly_worse(scored: Scored, best: Scored, metric: str) -> bool:
    """Return whether `scored` is worse than `best` by more than one standard error of their difference.

    The difference is paired over the rows. This is the one-standard-error rule of Breiman et al. 1984.
    """
    now, before = points([scored, best], metric)
    resampled = resample([scored, best], [metric], draw(len(scored.y_true), _DRAWS))[metric]
    return bool(before - now > np.diff(resampled, axis=1).std())
