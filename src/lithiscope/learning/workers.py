"""Particles worked on side by side, by processes of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from lithiscope.errors import OptionError
from lithiscope.learning.fit import Mapper


def _alone() -> None:
    """Leave this process one core: two that both use all of them wait for each other."""
    os.environ["OMP_NUM_THREADS"] = "1"
    # Read when the first program is compiled.
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


@contextmanager
def processes(count: int | None = None) -> Iterator[Mapper]:
    """Give a mapper for `learn` and `compare` that works on particles in processes, each on one core.

    A script that uses it needs ``if __name__ == "__main__":`` about what it does, for each process imports it. A Dask
    client serves as well, with ``mapper=lambda work, tasks: client.gather(client.map(work, list(tasks), pure=False))``.

    Parameters
    ----------
    count : int, optional
        How many processes; none: as many as there are cores.

    Yields
    ------
    callable
        The mapper.

    Raises
    ------
    OptionError
        If there is to be none.

    Examples
    --------
    >>> with processes(2) as mapper:  # doctest: +SKIP
    ...     tree = learn(videos, options, mapper=mapper)
    """
    if count is not None and count < 1:
        raise OptionError("work needs a process", field="count", value=count, limit="1 or more")
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_alone) as pool:
        yield lambda work, tasks: pool.map(work, tasks)
