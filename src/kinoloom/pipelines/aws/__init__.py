"""Pipelines on Amazon SageMaker itself, through boto3 (the extra `aws`)."""

from kinoloom.pipelines.aws.session import SageMakerSession

__all__ = ["SageMakerSession"]
