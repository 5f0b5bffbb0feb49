"""Spinodal decomposition of PFHub problem 1a, 128 x 128 to t = 2000, against exponax, py-pde and FiPy.

What is compared, and how, is told in `lithiscope.verification.phasefield_peers`, whose rows these are. `py-pde-fine` is
py-pde on the coarsest grid on which its second-order differences keep an error of 2 %. Times are of one core and leave
out compilation. Give names of peers to run only these.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("NPROC", "1")  # threads of XLA

from lithiscope.verification import phasefield_peers as peers

FINE = 208  # the error falls with the square of the cells a side: 4.9 % on 128


def main() -> None:
    runs = {**peers.PEERS, "py-pde-fine": lambda reference: peers.pypde(reference, FINE)}
    reference = peers.converged_energy()
    for name in sys.argv[1:] or list(runs):
        own, peer = peers.ours(reference), runs[name](reference)
        print(
            json.dumps(
                {
                    "peer": name,
                    "ratio": round(peer.seconds / own.seconds, 1),
                    "target": peers.TARGETS[name.removesuffix("-fine")],
                    "lithiscope": asdict(own),
                    name: asdict(peer),
                    "converged_energy": round(reference, 3),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
