"""Transform jobs: a model applied to files, as `sagemaker.transformer`.

`transform()` does not run anything; it returns the `step_args` of a `TransformStep`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.pipelines.builder.context import CompileContext, StepArguments
from kinoloom.pipelines.builder.variables import (
    ExecutionVariables,
    Join,
    PipelineVariable,
    omit_none,
)
from kinoloom.pipelines.protocols import FileSession


class Transformer:
    """Applies a model to files.

    Args:
        model_name: The model's name, usually `model_step.properties.ModelName`.
        instance_count, instance_type: The machines; locally they decide the resources.
        strategy: "MultiRecord" fills each request with records, "SingleRecord" sends one.
        assemble_with: "Line" ends each record of the result with a line break.
        output_path: An s3:// address or a pipeline variable; None means
            <bucket>/<pipeline>/<execution>/<step>.
        output_kms_key, volume_kms_key: Kept in the definition.
        accept: The media type of the result.
        max_concurrent_transforms: Kept in the definition; locally one request at a time.
        max_payload: The maximum size of a request in MB.
        tags: Kept in the definition.
        env: Environment variables.
        base_transform_job_name: The job's name with a `PipelineDefinitionConfig`.
        sagemaker_session: Accepted for compatibility; the pipeline's session is used.
    """

    def __init__(
        self,
        model_name: str | PipelineVariable,
        instance_count: int | PipelineVariable = 1,
        instance_type: str | PipelineVariable = "local",
        strategy: str | PipelineVariable | None = None,
        assemble_with: str | PipelineVariable | None = None,
        output_path: str | PipelineVariable | None = None,
        output_kms_key: str | PipelineVariable | None = None,
        accept: str | PipelineVariable | None = None,
        max_concurrent_transforms: int | PipelineVariable | None = None,
        max_payload: int | PipelineVariable | None = None,
        tags: Sequence[Mapping[str, str]] | None = None,
        env: Mapping[str, str | PipelineVariable] | None = None,
        base_transform_job_name: str | None = None,
        sagemaker_session: FileSession | None = None,
        volume_kms_key: str | PipelineVariable | None = None,
    ) -> None:
        self.model_name = model_name
        self.instance_count = instance_count
        self.instance_type = instance_type
        self.strategy = strategy
        self.assemble_with = assemble_with
        self.output_path = output_path
        self.output_kms_key = output_kms_key
        self.accept = accept
        self.max_concurrent_transforms = max_concurrent_transforms
        self.max_payload = max_payload
        self.tags = tags
        self.env = env
        self.base_transform_job_name = base_transform_job_name
        self.sagemaker_session = sagemaker_session
        self.volume_kms_key = volume_kms_key

    def transform(
        self,
        data: str | PipelineVariable,
        data_type: str | PipelineVariable = "S3Prefix",
        content_type: str | PipelineVariable | None = None,
        compression_type: str | PipelineVariable | None = None,
        split_type: str | PipelineVariable | None = None,
        input_filter: str | PipelineVariable | None = None,
        output_filter: str | PipelineVariable | None = None,
        join_source: str | PipelineVariable | None = None,
        job_name: str | None = None,
        experiment_config: Mapping[str, str] | None = None,
        model_client_config: Mapping[str, Any] | None = None,
        wait: bool = True,
        logs: bool = True,
    ) -> StepArguments:
        """Return the `step_args` of a `TransformStep`; nothing runs.

        Args:
            data: The files: an s3:// address or a pipeline variable.
            data_type: "S3Prefix" or "ManifestFile".
            content_type: The media type of the files.
            compression_type: "Gzip" for compressed files.
            split_type: How files split into records: "Line", "RecordIO" or "TFRecord"; None means
                one record per file.
            input_filter, output_filter: JSONPath expressions: the part of a record that the model
                receives, and the part of the result that is kept.
            join_source: "Input" joins each record with its result.
            model_client_config: Kept in the definition.
            job_name, experiment_config, wait, logs: Accepted; the pipeline decides them.
        """
        source = omit_none(
            DataSource={"S3DataSource": {"S3DataType": data_type, "S3Uri": data}},
            ContentType=content_type,
            CompressionType=compression_type,
            SplitType=split_type,
        )
        more = {
            "DataProcessing": omit_none(
                InputFilter=input_filter, OutputFilter=output_filter, JoinSource=join_source
            ),
            "ModelClientConfig": dict(model_client_config or {}),
        }
        return StepArguments(
            "Transform", lambda context: self._build_request(context, source, more)
        )

    def _build_request(
        self, context: CompileContext, source: dict[str, Any], more: dict[str, Any]
    ) -> dict[str, Any]:
        run = ExecutionVariables.PIPELINE_EXECUTION_ID
        default = Join(on="/", values=["s3:/", *context.address_parts(), run, context.step])
        output = omit_none(
            S3OutputPath=self.output_path or default,
            Accept=self.accept,
            AssembleWith=self.assemble_with,
            KmsKeyId=self.output_kms_key,
        )
        resources = omit_none(
            InstanceCount=self.instance_count,
            InstanceType=self.instance_type,
            VolumeKmsKeyId=self.volume_kms_key,
        )
        request = omit_none(
            ModelName=self.model_name,
            TransformInput=source,
            TransformOutput=output,
            TransformResources=resources,
            BatchStrategy=self.strategy,
            MaxConcurrentTransforms=self.max_concurrent_transforms,
            MaxPayloadInMB=self.max_payload,
            Environment=dict(self.env) if self.env else None,
            Tags=list(self.tags) if self.tags else None,
        )
        name = context.job_name("TransformJobName", self.base_transform_job_name)
        return {**request, **name, **{key: value for key, value in more.items() if value}}
