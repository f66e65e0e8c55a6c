"""What `@step` shares with the SDK's remote functions, as `sagemaker.remote_function`."""

from kinoloom.pipelines.builder.functions.modules import CustomFileFilter

__all__ = ["CustomFileFilter"]
