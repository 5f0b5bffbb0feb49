"""Models that are worth comparing with one: each changes one thing of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from lithiscope.errors import OptionError
from lithiscope.learning.options import LearnOptions
from lithiscope.materials import material

ModelName = Literal[
    "butler_volmer",
    "marcus",
    "marcus_hush_chidsey",
    "coupled_ion_electron",
    "j0_skewed_lim",
    "j0_symmetric",
    "j0_constant",
    "same_k_everywhere",
    "without_strain",
]
AS_ASKED = "as_asked"
_IN_WORDS = {
    AS_ASKED: "the model asked for",
    "butler_volmer": "Butler-Volmer kinetics",
    "marcus": "Marcus kinetics",
    "marcus_hush_chidsey": "Marcus-Hush-Chidsey kinetics",
    "coupled_ion_electron": "coupled ion-electron transfer",
    "j0_skewed_lim": "j₀(x) skewed as in Lim 2016",
    "j0_symmetric": "j₀(x) symmetric",
    "j0_constant": "j₀ the same at each x",
    "same_k_everywhere": "k the same everywhere",
    "without_strain": "no coherency strain",
}
_TRANSFER = ("marcus", "marcus_hush_chidsey", "coupled_ion_electron")
_SHAPES = ("skewed_lim", "symmetric", "constant")
_REORGANISATION = 8.3  # kT, of LiFePO4 on carbon (Bai and Bazant, Nat. Commun. 5, 3585 (2014)); learned from there


def in_words(name: str) -> str:
    """Return a model of `variants` in words; a name of the user's own stays.

    Examples
    --------
    >>> in_words("marcus"), in_words("mine")
    ('Marcus kinetics', 'mine')
    """
    return _IN_WORDS.get(name, name)


def variants(options: LearnOptions) -> dict[str, LearnOptions]:
    """Return the model asked for, and those worth comparing with it: other laws, shapes of j0(x), parts left out.

    Parameters
    ----------
    options : LearnOptions
        What is asked for. A model that would be the same is left out.

    Raises
    ------
    OptionError
        If there is no such material.
    """
    found = {AS_ASKED: options} | _laws(options) | _shapes(options)
    if "rate_field" in options.unknowns:
        left = tuple(name for name in options.unknowns if name != "rate_field")
        found["same_k_everywhere"] = options.model_copy(update={"unknowns": left})
    if options.strain == "coherent":
        rest = tuple(name for name in options.unknowns if name != "coherency")
        found["without_strain"] = options.model_copy(update={"strain": "none", "unknowns": rest})
    return {name: one for name, one in found.items() if name == AS_ASKED or one != options}


def _laws(options: LearnOptions) -> dict[str, LearnOptions]:
    own = options.law or material(options.material).reaction[0]
    same = tuple(name for name in options.unknowns if name not in ("alpha", "reorganisation"))
    found = {}
    for law in ("butler_volmer", *_TRANSFER):
        if law != own:
            transfer = law in _TRANSFER
            changed = {
                "law": law,
                "law_parameters": {"reorganisation": _REORGANISATION} if transfer else {},
                "unknowns": (*same, "reorganisation") if transfer else same,
            }
            found[law] = options.model_copy(update=changed)
    return found


def _shapes(options: LearnOptions) -> dict[str, LearnOptions]:
    level = "exchange_level"
    # In the order asked for, so that the same model is seen to be the same.
    left = tuple(level if name == "exchange_current" else name for name in options.unknowns)
    unknowns = left if level in left else (*left, level)
    return {f"j0_{shape}": options.model_copy(update={"exchange": shape, "unknowns": unknowns}) for shape in _SHAPES}


def named(name: str) -> str:
    """Return the name of a model from what a person may write for it, such as ``"Same k everywhere"``.

    Raises
    ------
    OptionError
        If no model is called so.
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    if plain not in get_args(ModelName):
        raise OptionError(
            "there is no such model to compare with",
            field="--model",
            value=name,
            limit=", ".join(get_args(ModelName)),
            remedy="choose some of these; the model asked for is always among them",
        )
    return plain


def chosen(options: LearnOptions, names: Sequence[str] = ()) -> dict[str, LearnOptions]:
    """Return the model asked for and the named ones of `variants`; without names all.

    Raises
    ------
    OptionError
        If a named model does not differ from the one asked for, so that there is nothing to compare.
    """
    found = variants(options)
    same = [name for name in names if name not in found]
    if same:
        raise OptionError(
            "this is no other model than the one asked for",
            field="learning.compare.models",
            value=same[0],
            limit=", ".join(name for name in found if name != AS_ASKED),
            remedy="choose some of these",
        )
    return {name: one for name, one in found.items() if not names or name == AS_ASKED or name in names}
