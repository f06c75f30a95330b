"""The evaluators that come with kernelevo: name -> module that registers it when it is imported."""

from __future__ import annotations

OURS: dict[str, str] = {
    "kernel": "kernelevo.evaluators.kernel",
    **dict.fromkeys(
        (
            "circle_packing",
            "circle_packing_32",
            "minmax_distance",
            "heilbronn_triangle",
            "erdos_minimum_overlap",
            "autocorrelation_1",
            "kissing_number",
            "uncertainty",
        ),
        "kernelevo.evaluators.mathematics.evaluator",
    ),
    **dict.fromkeys(
        ("delivery_routes", "strip_packing", "noisy_graphs", "noisy_peaks"),
        "kernelevo.evaluators.combinatorial.evaluator",
    ),
    **dict.fromkeys(
        ("ml_churn", "ml_prices", "ml_reviews", "ml_demand", "ml_features"),
        "kernelevo.evaluators.ml.evaluator",
    ),
}
