"""Pipelines built in Python: variables, steps, conditions, functions as steps, compilation.

`kinoloom.sagemaker` adds the classes of the SageMaker Python SDK on top of this package.
"""
