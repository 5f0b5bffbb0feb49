"""Stretches of half cycles: their equations against those of whole half cycles, and gaps that close."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.learning import LearnOptions, shooting, starting
from lithiscope.learning.cases import Priors
from lithiscope.learning.diary import Diary
from lithiscope.learning.fit import Fit, Point, Task, block_of, without_voltage
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.program import Case, Program
from lithiscope.learning.setup import particles_of, setup_of
from lithiscope.learning.shooting import Shots, shoot, shot, shots_of
from lithiscope.learning.starting import first_fit
from lithiscope.verification.learning_found import options_of
from lithiscope.verification.virtual_learning import Truth

OPTIONS = LearnOptions(domains=0, field_modes=8, initial_modes=4, voltage=True, tolerance=1e-6)


@pytest.fixture(scope="module")
def problem() -> tuple:  # type: ignore[type-arg]
    """A particle with a voltage, a mean composition of some frames, a frame without pixels, and a last one without."""
    mask = ellipse(8, 6)
    video = experiment(mask, field(mask, 0.5, 1), exchange_current=0.1, sigma=0.05, frames=5, seed=0)
    x = video["lithium_fraction"].values
    means = np.nanmean(x, (1, 2))
    x[3] = x[9] = np.nan
    video = video.assign(
        lithium_fraction=(("time", "y", "x"), x),
        mean_lithium_fraction=("time", np.where(np.isin(np.arange(10), (3, 7, 9)), means, np.nan)),
        mean_lithium_fraction_std=("time", np.full(10, 0.01)),
    )
    cuts = half_cycles([video])
    setup = setup_of([video], cuts, OPTIONS)
    (particle,) = particles_of(setup, Priors())
    z = 0.3 * np.random.default_rng(2).standard_normal(setup.layout.shared + particle.own)
    return setup, particle, z


def on_the_way(shots: Shots, z: np.ndarray) -> Shots:
    """Return stretches which begin where those before end."""
    for _ in range(4):
        found = shot((shots, z))
        assert found is not None
        halves = []
        for half in found.shots.halves:
            cases = [half[0]]
            for before, part in pairwise(half):
                place = shots.particle.places()[len(halves)]
                frames = before_frames(shots, before, z[place])
                cases.append(eqx.tree_at(lambda c: c.middle, part, jnp.log(frames / (1 - frames))))
            halves.append(tuple(cases))
        shots = found.shots._replace(halves=tuple(halves))
    return shots


def before_frames(shots: Shots, case: Any, z: np.ndarray) -> Any:
    x = shots.particle.program.frames(case, jnp.asarray(z))[-1]
    return jnp.where(case.inside > 0.5, x, 0.5)


def test_stretches_without_gaps_have_the_equations_of_whole_half_cycles(problem: tuple, closed: Shots) -> None:  # type: ignore[type-arg]
    setup, particle, z = problem
    shots = shots_of(particle, setup.groups[0])
    # The frame without pixels is no seam, nor is the first or the last.
    assert [len(half) for half in shots.halves] == [3, 4]
    found = shot((closed, z))
    block, cost, _ = block_of(Task(without_voltage(particle), z))  # type: ignore[misc]
    assert found is not None
    assert found.widest < 1e-9
    assert found.gaps < 1e-9
    # Steps of time differ. They err by 1e-6 of x, 2e-5 of its deviations; the coefficients of the changes are means
    # over half a step, and the changes in single precision.
    assert found.cost == pytest.approx(cost, rel=1e-4)
    assert found.closed == pytest.approx(cost, rel=1e-4)
    root = np.sqrt(1 + np.diag(block.matrix))  # with the prior of the laws
    assert np.abs((found.block.matrix - block.matrix) / np.outer(root, root)).max() < 0.01
    assert np.abs((found.block.gradient - block.gradient) / root).max() < 0.01 * np.sqrt(2 * cost)


@pytest.fixture(scope="module")
def closed(problem: tuple) -> Shots:  # type: ignore[type-arg]
    setup, particle, z = problem
    return on_the_way(shots_of(particle, setup.groups[0]), z)


@eqx.filter_jit
def changed(program: Program, case: Case, at: Any, way: Any, of_middle: Any) -> tuple[Any, Any]:
    """Return x of every frame and how it changes along a way of the numbers and of the start."""

    def frames(at: Any, middle: Any) -> Any:
        return program.frames(eqx.tree_at(lambda c: c.middle, case, middle), at)

    found: tuple[Any, Any] = jax.jvp(frames, (at, case.middle), (way, of_middle))
    return found


def off(shots: Shots, size: float) -> Shots:
    """Return stretches that begin at something else."""
    rng, halves = np.random.default_rng(0), []
    for half in shots.halves:
        later = (
            eqx.tree_at(lambda c: c.middle, part, part.middle + size * rng.standard_normal(part.middle.shape))
            for part in half[1:]
        )
        halves.append((half[0], *later))
    return shots._replace(halves=tuple(halves))


def apart(found: Any, exact: Any, inside: np.ndarray) -> float:
    """Return how far changes are from the exact ones, root mean square."""
    return float(np.linalg.norm((found - exact)[inside]) / np.linalg.norm(np.asarray(exact)[inside]))


def test_starts_of_stretches_move_with_the_numbers_as_whole_half_cycles_do(problem: tuple, closed: Shots) -> None:  # type: ignore[type-arg]
    _, particle, z = problem
    found = shot((closed, z))
    assert found is not None
    way = np.random.default_rng(5).standard_normal(len(z))
    _, _, whole = block_of(Task(without_voltage(particle), z))  # type: ignore[misc]
    seams = ((1, 2), (1, 2, 3))
    for case, place, kept, frames in zip(whole.cases, particle.places(), found.ways, seams, strict=True):
        at = jnp.asarray(z[place])
        _, exact = changed(particle.program, case, at, jnp.asarray(way[place]), jnp.zeros_like(case.middle))
        for frame, ways in zip(frames, kept, strict=True):
            # Coefficients are means over half a step, whose error of second order is largest where a front passes.
            assert apart(ways[:, :-1] @ way[place], exact[frame], np.asarray(case.inside) > 0.5) < 2e-3


def test_starts_of_stretches_move_with_the_gaps_before_as_their_ends_do(problem: tuple, closed: Shots) -> None:  # type: ignore[type-arg]
    _, particle, z = problem
    found = shot((off(closed, 0.02), z))
    assert found is not None
    assert 0.001 < found.widest < 0.2
    for half, kept, place in zip(found.shots.halves, found.ways, particle.places(), strict=True):
        at, inside = jnp.asarray(z[place]), np.asarray(half[0].inside) > 0.5
        for part, later, ways, after in zip(half[1:], half[2:], kept, kept[1:], strict=False):
            x = jax.nn.sigmoid(part.middle)
            by_middle = jnp.asarray(ways[:, -1]) / (x * (1 - x))
            frames, change = changed(particle.program, part, at, jnp.zeros_like(at), by_middle)
            exact = np.where(inside, frames[-1] - jax.nn.sigmoid(later.middle), 0.0) + change[-1]
            assert apart(after[:, -1], exact, inside) < 2e-3


def test_what_a_step_costs_is_foretold_to_second_order(problem: tuple, closed: Shots) -> None:  # type: ignore[type-arg]
    setup, _, z = problem
    way, own, errors = np.random.default_rng(0).standard_normal(len(z)), slice(setup.layout.shared, None), []
    for size in (2e-3, 1e-3, 5e-4):
        begin, step = shot((off(closed, size), z)), size * way
        assert begin is not None
        found = shot((shooting._moved(begin, step, 1.0), z + step))
        assert found is not None
        prior = 0.5 * float((z + step)[own] @ (z + step)[own]) - 0.5 * float(z[own] @ z[own])
        foretold = begin.closed + begin.block.gradient @ step + 0.5 * step @ begin.block.matrix @ step - prior
        errors.append(abs(found.cost - foretold))
    # Gauss and Newton's matrix leaves out what the residuals bend: half the step leaves a quarter of the error.
    assert np.divide(errors[1:], errors[:-1]) == pytest.approx(0.25, rel=0.2)


def test_numbers_for_which_the_gaps_close_are_found_from_afar_and_kept_for_a_run_that_goes_on(problem: tuple) -> None:  # type: ignore[type-arg]
    setup, particle, z = problem
    shared = setup.layout.shared
    kept: list[Any] = []
    begin = Point(np.zeros(shared), (np.zeros(particle.own),))
    shots = [shots_of(particle, setup.groups[0])]
    first = shot((shots[0], np.zeros(len(z))))
    found = shoot(shots, begin, enough=5.0, diary=Diary((), kept.append))
    tasks = Task(without_voltage(particle), np.concatenate([found.shared, *found.own]))
    # The half cycles as a whole, from 100 to what 36 pixels in 8 frames and 10 numbers leave.
    data = int((np.concatenate([cut.weight for cut in setup.groups[0]]) > 0).sum())
    assert first is not None
    assert first.widest > 0.1
    assert 0.7 < 2 * block_of(tasks)[1] / data < 1.3  # type: ignore[index]
    again = shoot([], begin, diary=Diary(kept[-1]))
    np.testing.assert_array_equal(again.shared, found.shared)


class _Told:
    def __init__(self) -> None:
        self.words: list[str] = []

    def say(self, words: str) -> None:
        self.words.append(words)


def _fit(per_datum: float, whole: float) -> Any:
    class Made(Fit):
        whole = 0.0

    made = Made(Point(np.zeros(0), ()), [], [], per_datum, 1, converged=True)
    made.whole = whole  # type: ignore[misc]
    return made


@pytest.mark.parametrize(
    ("asked", "fits", "kept", "shot_at"),
    [
        ("auto", [(1.0, 10.0)], 10.0, False),
        ("auto", [(2.0, 20.0), (1.0, 10.0)], 10.0, True),
        ("auto", [(2.0, 20.0), (3.0, 30.0)], 20.0, True),
        ("auto", [None, (1.0, 10.0)], 10.0, True),
        ("auto", [(2.0, 20.0), None], 20.0, True),
        ("auto", [None, None], None, True),
        ("never", [(9.0, 90.0)], 90.0, False),
        ("never", [None], None, False),
        ("always", [(1.0, 10.0)], 10.0, True),
    ],
)
def test_half_cycles_are_cut_where_the_fit_goes_astray_and_the_better_fit_is_kept(
    problem: tuple,  # type: ignore[type-arg]
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    fits: list[tuple[float, float] | None],
    kept: float | None,
    shot_at: bool,
) -> None:
    setup, particle, z = problem
    setup = setup._replace(options=setup.options.model_copy(update={"shooting": asked}))
    shared = setup.layout.shared
    data = sum(int((cut.weight > 0).sum()) for cut in setup.groups[0])
    told, begin, begun = _Told(), Point(z[:shared], (z[shared:],)), []
    monkeypatch.setattr(starting, "shoot", lambda *_, **__: Point(np.ones(shared), begin.own))

    def near(_: Any, point: Point) -> Any:
        begun.append(point.shared[0])
        made = fits[len(begun) - 1]
        if made is None:
            raise AnalysisError("the model cannot follow", field="start", value=len(begun))
        return _fit(0.5 * made[0] * data, made[1])

    def whole() -> Any:
        return starting._whole(setup, [0], [particle], begin, near, {"reporter": told})

    if kept is None:
        with pytest.raises(AnalysisError, match="cannot follow"):
            whole()
    else:
        assert whole().whole == kept
    assert len(begun) == len(fits)
    assert (begun[-1] == 1.0) == shot_at
    assert any("multiple shooting" in one for one in told.words) == shot_at


@pytest.mark.long
def test_pixels_that_are_alike_are_learned_from_stretches() -> None:
    # Without stretches the first fit of this particle ends at a chi-square of 0.95 or of 120, as rounding has it.
    truth = Truth(shape=(16, 12), volt_sigma=0.002, spread=0.05)
    video = truth.video(8)
    options = options_of(truth).model_copy(update={"shooting": "always"})
    setup = setup_of([video], half_cycles([video]), options)
    priors = Priors(options.amplitude, options.length, options.initial_amplitude, options.initial_length)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        found = first_fit(setup, priors)
    data = sum(int((cut.weight > 0).sum()) for cut in setup.groups[0])
    assert 0.9 < 2 * found.cost / data < 1.1
    log_rate = np.asarray(found.particles[0].cases[0].field) @ found.point.own[0][: setup.layout.field]
    inside = truth.mask().ravel()
    assert np.corrcoef(log_rate[inside], truth.log_rate(8).ravel()[inside])[0, 1] > 0.95
