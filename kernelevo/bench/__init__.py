"""The balcony: series over suites of bundled tasks, their figures and records."""

from kernelevo.bench.figures import fast_p, mean_over_tasks, summary
from kernelevo.bench.record import Record
from kernelevo.bench.row import Row
from kernelevo.bench.series import Order, Series, run_series
from kernelevo.bench.suite import Suite

__all__ = ["Order", "Record", "Row", "Series", "Suite", "fast_p", "mean_over_tasks", "run_series", "summary"]
