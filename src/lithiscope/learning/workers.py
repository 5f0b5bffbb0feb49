"""Particles worked on side by side, by processes of this machine or by a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING

from lithiscope.errors import OptionError

if TYPE_CHECKING:
    from lithiscope.learning.fit import Mapper

_PATIENCE = 30.0  # s for a scheduler, and for its first worker, to answer
_LARGE = "1 GB"  # of tasks sent at once, of which Dask warns: the arrays of many particles are not small


def _alone() -> None:
    """Leave this process one core: two that both use all of them wait for each other."""
    # XLA counts its threads by the second, when the first program is compiled.
    os.environ["OMP_NUM_THREADS"] = os.environ["NPROC"] = "1"


@contextmanager
def processes(count: int | None = None) -> Iterator[Mapper]:
    """Give a mapper for `learn` and `compare` that works on particles in processes, each on one core.

    A script that uses it needs ``if __name__ == "__main__":`` about what it does, for each process imports it.

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


@contextmanager
def cluster(address: str, *, patience: float = _PATIENCE) -> Iterator[Mapper]:
    """Give a mapper for `learn`, `compare` and `sample` that works on particles on the workers of a Dask cluster.

    The workers need the same version of lithiscope; their number may change meanwhile.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    patience : float
        Seconds within which the scheduler must answer and have a worker.

    Yields
    ------
    callable
        The mapper.

    Raises
    ------
    OptionError
        If distributed is not installed, nothing answers at the address, or there is no worker.

    Examples
    --------
    >>> with cluster("tcp://10.0.0.1:8786") as mapper:  # doctest: +SKIP
    ...     tree = learn(videos, options, mapper=mapper)
    """
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise OptionError(
            "a cluster needs the package distributed, which is not installed",
            field="cluster",
            value=address,
            remedy="pip install 'lithiscope[cluster]', or work on this machine with processes",
        ) from None
    try:
        client = Client(address, timeout=patience, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise OptionError(
            f"no scheduler answers: {error}",
            field="cluster",
            value=address,
            limit="tcp://HOST:PORT",
            remedy="start `dask scheduler` there, and take the address that it prints",
        ) from None
    with client, dask.config.set({"distributed.admin.large-graph-warning-threshold": _LARGE}):
        try:
            client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            raise OptionError(
                "the cluster has no worker",
                field="cluster",
                value=address,
                limit="1 or more",
                remedy=f"start `dask worker {address}` on machines that have lithiscope",
            ) from None
        yield lambda work, tasks: client.gather(client.map(work, list(tasks), pure=False))


@contextmanager
def side_by_side(count: int | None = None, address: str | None = None) -> Iterator[Mapper]:
    """Give the mapper that is asked for: of so many processes, of a cluster, or `map` where neither is.

    Parameters
    ----------
    count : int, optional
        How many processes.
    address : str, optional
        Of a cluster.

    Raises
    ------
    OptionError
        If both are asked for, or one of them cannot be had.
    """
    if count is not None and address is not None:
        raise OptionError(
            "work goes to processes of this machine or to a cluster, not to both",
            field="cluster",
            value=address,
            remedy="leave out one of them",
        )
    if address is not None:
        with cluster(address) as mapper:
            yield mapper
    elif count is not None:
        with processes(count) as mapper:
            yield mapper
    else:
        yield map
