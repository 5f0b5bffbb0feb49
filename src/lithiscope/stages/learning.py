"""The stages of what was learned from a video."""

from __future__ import annotations

from lithiscope.stages.coordinates import SPACE, TIME
from lithiscope.stages.schema import Stage, Variable
from lithiscope.units import AMPERE_PER_SQUARE_METRE, ONE, VOLT

LEARNED_LAWS = Stage(
    "learned_laws",
    "Laws that all particles share, with their uncertainty",
    variables={
        "exchange_current_density": Variable(
            "x_grid", AMPERE_PER_SQUARE_METRE, "j0(x) of a pixel with k = 1", required=True
        ),
        "exchange_current_density_std": Variable("x_grid", AMPERE_PER_SQUARE_METRE, "its standard deviation"),
        "chemical_potential": Variable("x_grid", ONE, "mu(x) over kT, without its mean over the identifiable range"),
        "chemical_potential_std": Variable("x_grid", ONE, "its standard deviation"),
        "identifiable": Variable("x_grid", ONE, "whether the data say something at this composition", kind="bool"),
        "parameter_mean": Variable("parameter", ONE, "numbers of the laws, in standard deviations of the prior"),
        "parameter_std": Variable("parameter", ONE, "their standard deviations"),
        "parameter_value": Variable("parameter", ONE, "the numbers in the unit of parameter_unit"),
        "parameter_value_std": Variable("parameter", ONE, "their standard deviations, to first order"),
        "parameter_unit": Variable("parameter", ONE, "unit of a number of the laws", kind="string"),
        "correlation": Variable("parameter parameter_other", ONE, "between the numbers of the laws"),
    },
    coordinates={
        "x_grid": Variable("x_grid", ONE, "lithium fraction", required=True),
        "parameter": Variable("parameter", ONE, "name of a number of the laws", kind="string"),
        "parameter_other": Variable("parameter_other", ONE, "name of a number of the laws", kind="string"),
    },
    attributes={
        "law": "reaction law",
        "material": "parameter set that the laws started from",
        "log_evidence": "natural logarithm of the evidence, in the Laplace approximation",
        "chi_square_per_freedom": "sum of squared residuals over data less what the fit used up",
        "iterations": "steps of the fit",
        "converged": "whether a further step promised too little to matter",
        "warnings": "what a reader must know before believing the result",
        "priors": "amplitudes and lengths of the fields",
        "options": "everything that was asked for, as JSON",
        "particles": "how many particles share the laws",
    },
    required_attributes=("law", "log_evidence"),
)

LEARNED_PARTICLE = Stage(
    "learned_particle",
    "What was learned of one particle: its rates, and the video that the model gives",
    variables={
        "log_rate": Variable("y x", ONE, "ln k(r), zero in the mean over the particle", required=True),
        "log_rate_std": Variable("y x", ONE, "its standard deviation", required=True),
        "log_rate_flag": Variable("y x", ONE, "flags", kind="int"),
        "log_rate_domain": Variable("y x", ONE, "number of the sharp domain of k, 0 around them", kind="int"),
        "lithium_fraction": Variable("time y x", ONE, "lithium fraction of the model"),
        "measured": Variable("time y x", ONE, "lithium fraction that the model was fitted to"),
        "residual": Variable("time y x", ONE, "model less data over the standard deviation"),
        "voltage_volt": Variable("time", VOLT, "voltage of the model"),
        "measured_voltage_volt": Variable(
            "time", VOLT, "voltage that the model was held against, NaN where it is not known"
        ),
    },
    coordinates={**TIME, **SPACE},
    attributes={
        "video": "number of the video",
        "particle": "label of the particle",
        "name": "name of the particle",
        "domains": "how far ln k differs in each sharp domain, in words",
    },
    required_attributes=("video", "particle"),
)

MODEL_COMPARISON = Stage(
    "model_comparison",
    "What the data say of each of several models, the best first",
    variables={
        "description": Variable("model", ONE, "the model in words", kind="string"),
        "log_evidence": Variable(
            "model", ONE, "natural logarithm of the evidence; minus infinity: it cannot follow the data", required=True
        ),
        "log_evidence_difference": Variable("model", ONE, "the same less that of the first model", required=True),
        "chi_square_per_freedom": Variable(
            "model", ONE, "sum of squared residuals over data less what the fit used up", required=True
        ),
        "held_back_log_density": Variable(
            "model", ONE, "natural logarithm of the density that it gave the last half cycle of each particle, unseen"
        ),
        "converged": Variable(
            "model", ONE, "whether the fit converged; otherwise the evidence is rough", kind="bool", required=True
        ),
        "residual_notes": Variable(
            "model", ONE, "how the residuals differ from noise; empty where they look like it", kind="string"
        ),
        "remark": Variable("model", ONE, "why it cannot follow the data, or why a number is missing", kind="string"),
    },
    coordinates={"model": Variable("model", ONE, "name of the model", kind="string", required=True)},
    attributes={
        "verdict": "which model the data speak for, or that they cannot tell, in words",
        "frames": "how many frames were used",
        "options": "everything that was asked for of the first model to be compared, as JSON",
    },
    required_attributes=("verdict", "frames"),
)

SAMPLED_LAWS = Stage(
    "sampled_laws",
    "Laws as draws from their posterior, beside Laplace's approximation of it",
    variables={
        "log_exchange_current_density": Variable("x_grid", ONE, "mean of ln j0(x), j0 in A/m2", required=True),
        "log_exchange_current_density_std": Variable("x_grid", ONE, "its standard deviation", required=True),
        "log_exchange_current_density_laplace": Variable("x_grid", ONE, "the same in Laplace's approximation"),
        "log_exchange_current_density_laplace_std": Variable("x_grid", ONE, "its standard deviation"),
        "exchange_current_density_quantile": Variable("quantile x_grid", AMPERE_PER_SQUARE_METRE, "of j0(x)"),
        "chemical_potential": Variable("x_grid", ONE, "mean of mu(x) over kT, less its mean over the known range"),
        "chemical_potential_std": Variable("x_grid", ONE, "its standard deviation"),
        "chemical_potential_laplace": Variable("x_grid", ONE, "the same in Laplace's approximation"),
        "chemical_potential_laplace_std": Variable("x_grid", ONE, "its standard deviation"),
        "chemical_potential_quantile": Variable("quantile x_grid", ONE, "of mu(x) over kT"),
        "identifiable": Variable("x_grid", ONE, "whether the data say something at this composition", kind="bool"),
        "parameter_mean": Variable("parameter", ONE, "numbers of the laws, in standard deviations of the prior"),
        "parameter_std": Variable("parameter", ONE, "their standard deviations"),
        "parameter_quantile": Variable("quantile parameter", ONE, "their quantiles"),
        "parameter_laplace": Variable("parameter", ONE, "the numbers in Laplace's approximation"),
        "parameter_laplace_std": Variable("parameter", ONE, "their standard deviations"),
        "parameter_r_hat": Variable("parameter", ONE, "R-hat of ranks and folded ranks; 1 when converged"),
        "parameter_sample_size": Variable("parameter", ONE, "independent draws that the draws are worth"),
        "parameter_draw": Variable("chain draw parameter", ONE, "every draw of the numbers"),
    },
    coordinates={
        "x_grid": Variable("x_grid", ONE, "lithium fraction", required=True),
        "parameter": Variable("parameter", ONE, "name of a number of the laws", kind="string"),
        "quantile": Variable("quantile", ONE, "share of the draws below"),
    },
    attributes={
        "converged": "whether the chains agree and the draws are worth enough",
        "directions": "how many directions were sampled; the others are as wide as their prior",
        "divergences": "draws that met a place which the steps of the sampler cannot follow",
        "r_hat": "largest R-hat of the laws and of the sampled directions",
        "sample_size": "smallest number of independent draws that these are worth, in the middle and in the tails",
        "acceptance": "mean acceptance of the trajectories",
        "gradients": "how often the gradient was asked for",
        "step_error": "standard deviation of what held steps of time change the logarithm of the posterior by",
        "seed": "of the random numbers",
        "warnings": "what a reader must know, in words",
        "options": "everything that was asked for, as JSON",
    },
    required_attributes=("converged", "r_hat"),
)

SAMPLED_PARTICLE = Stage(
    "sampled_particle",
    "ln k of one particle as draws from its posterior, beside Laplace's approximation of it",
    variables={
        "log_rate": Variable("y x", ONE, "mean of ln k(r), zero in the mean over the particle", required=True),
        "log_rate_std": Variable("y x", ONE, "its standard deviation", required=True),
        "log_rate_flag": Variable("y x", ONE, "flags", kind="int"),
        "log_rate_quantile": Variable("quantile y x", ONE, "its quantiles"),
        "log_rate_laplace": Variable("y x", ONE, "ln k(r) at the fit"),
        "log_rate_laplace_std": Variable("y x", ONE, "its standard deviation in Laplace's approximation"),
    },
    coordinates={**SPACE, "quantile": Variable("quantile", ONE, "share of the draws below")},
    attributes={"video": "number of the video", "particle": "label of the particle"},
    required_attributes=("video", "particle"),
)

LEARNING_STAGES = (LEARNED_LAWS, LEARNED_PARTICLE, MODEL_COMPARISON, SAMPLED_LAWS, SAMPLED_PARTICLE)
