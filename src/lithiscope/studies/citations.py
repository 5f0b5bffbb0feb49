"""What to cite: BibTeX of the papers behind the methods that a study used."""

from __future__ import annotations

from collections.abc import Sequence

import lithiscope

_ENTRIES: dict[str, str] = {
    "lim2016": """@article{lim2016,
  author = {Lim, Jongwoo and Li, Yiyang and Alsem, Daan Hein and So, Hongyun and Lee, Sang Chul and Bai, Peng
            and Cogswell, Daniel A. and Liu, Xuzhao and Jin, Norman and Yu, Young-sang and Salmon, Norman J.
            and Shapiro, David A. and Bazant, Martin Z. and Tyliszczak, Tolek and Chueh, William C.},
  title = {Origin and hysteresis of lithium compositional spatiodynamics within battery primary particles},
  journal = {Science}, volume = {353}, pages = {566--571}, year = {2016}, doi = {10.1126/science.aaf4914}
}""",
    "koo2023": """@article{koo2023,
  author = {Koo, Bonho and Chung, Jinkyu and Kim, Juwon and Fraggedakis, Dimitrios and Seo, Sungjae and Nam, Chihyun
            and Lee, Danwon and Han, Jeongwoo and Jo, Sugeun and Zhao, Hongbo and Nadkarni, Neel and Wang, Jian
            and Kim, Namdong and Weigand, Markus and Bazant, Martin Z. and Lim, Jongwoo},
  title = {Dynamic surface phases controlling asymmetry of high-rate lithiation and delithiation in phase-separating
           electrodes},
  journal = {Energy \\& Environmental Science}, volume = {16}, pages = {3302}, year = {2023}, doi = {10.1039/d3ee00341h}
}""",
    "bai2011": """@article{bai2011,
  author = {Bai, Peng and Cogswell, Daniel A. and Bazant, Martin Z.},
  title = {Suppression of Phase Separation in LiFePO4 Nanoparticles During Battery Discharge},
  journal = {Nano Letters}, volume = {11}, pages = {4890--4896}, year = {2011}, doi = {10.1021/nl202764f}
}""",
    "zhao2023": """@article{zhao2023,
  author = {Zhao, Hongbo and Deng, Haitao Dean and Cohen, Alexander E. and Lim, Jongwoo and Li, Yiyang
            and Fraggedakis, Dimitrios and Jiang, Benben and Storey, Brian D. and Chueh, William C.
            and Braatz, Richard D. and Bazant, Martin Z.},
  title = {Learning heterogeneous reaction kinetics from X-ray videos pixel by pixel},
  journal = {Nature}, volume = {621}, pages = {289--294}, year = {2023}, doi = {10.1038/s41586-023-06393-x}
}""",
    "henke1993": """@article{henke1993,
  author = {Henke, B. L. and Gullikson, E. M. and Davis, J. C.},
  title = {X-Ray Interactions: Photoabsorption, Scattering, Transmission, and Reflection at E = 50-30,000 eV,
           Z = 1-92},
  journal = {Atomic Data and Nuclear Data Tables}, volume = {54}, pages = {181--342}, year = {1993},
  doi = {10.1006/adnd.1993.1013}
}""",
    "chantler1995": """@article{chantler1995,
  author = {Chantler, C. T.},
  title = {Theoretical Form Factor, Attenuation, and Scattering Tabulation for Z = 1-92 from E = 1-10 eV
           to E = 0.4-1.0 MeV},
  journal = {Journal of Physical and Chemical Reference Data}, volume = {24}, pages = {71--643}, year = {1995},
  doi = {10.1063/1.555974}
}""",
    "lucas1981": """@inproceedings{lucas1981,
  author = {Lucas, Bruce D. and Kanade, Takeo},
  title = {An Iterative Image Registration Technique with an Application to Stereo Vision},
  booktitle = {Proceedings of the 7th International Joint Conference on Artificial Intelligence},
  pages = {674--679}, year = {1981}
}""",
    "mueller1973": """@article{mueller1973,
  author = {M{\\"u}ller, J{\\"o}rg W.},
  title = {Dead-time problems},
  journal = {Nuclear Instruments and Methods}, volume = {112}, pages = {47--57}, year = {1973},
  doi = {10.1016/0029-554X(73)90773-8}
}""",
    "unser1999": """@article{unser1999,
  author = {Unser, Michael},
  title = {Splines: A Perfect Fit for Signal and Image Processing},
  journal = {IEEE Signal Processing Magazine}, volume = {16}, number = {6}, pages = {22--38}, year = {1999},
  doi = {10.1109/79.799930}
}""",
    "otsu1979": """@article{otsu1979,
  author = {Otsu, Nobuyuki},
  title = {A Threshold Selection Method from Gray-Level Histograms},
  journal = {IEEE Transactions on Systems, Man, and Cybernetics}, volume = {9}, pages = {62--66}, year = {1979},
  doi = {10.1109/TSMC.1979.4310076}
}""",
}


def bibtex(methods: Sequence[str]) -> str:
    """Return the BibTeX of lithiscope and of the named methods, in that order.

    Parameters
    ----------
    methods : sequence of str
        Keys of the papers; unknown ones raise KeyError, because a study must not name what it cannot cite.
    """
    own = (
        f"@software{{lithiscope,\n  title = {{lithiscope}}, version = {{{lithiscope.__version__}}}, year = {{2026}}\n}}"
    )
    return "\n\n".join([own, *(_ENTRIES[method] for method in dict.fromkeys(methods))])
