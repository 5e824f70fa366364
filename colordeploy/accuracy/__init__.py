"""Whether a model computes here what it computed in training, and how far other precisions are off.

Golden vectors check graphs one by one (`golden`), whole pictures what people see (`pictures`); how
much error is allowed stands in one table (`tolerances`).
"""
