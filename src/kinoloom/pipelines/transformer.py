"""Transform jobs: a model applied to files.

Names and arguments are those of `sagemaker.transformer`; `transform()` does not run anything but
returns the `step_args` of a `TransformStep`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.pipelines.compiling import Compiling, Session, StepArguments
from kinoloom.pipelines.workflow.entities import PipelineVariable, given
from kinoloom.pipelines.workflow.execution_variables import ExecutionVariables
from kinoloom.pipelines.workflow.functions import Join


class Transformer:
    """Applies a model to files.

    Args:
        model_name: of the model, mostly `model_step.properties.ModelName`.
        instance_count, instance_type: the machines; locally they decide the resources taken.
        strategy: "MultiRecord" puts as many records into a request as fit, "SingleRecord" one.
        assemble_with: "Line" puts each record of the result on a line of its own.
        output_path: an s3:// address or a pipeline variable; None puts it below the session's
            bucket: <pipeline>/<execution>/<step>.
        output_kms_key, volume_kms_key: kept in the definition.
        accept: the media type of the result.
        max_concurrent_transforms: kept in the definition; locally there is one at a time.
        max_payload: the most that a request may have, in MB.
        tags: kept in the definition.
        env: environment variables.
        base_transform_job_name: for a `PipelineDefinitionConfig`; else pipelines name their jobs.
        sagemaker_session: accepted; the pipeline's session is used.
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
        sagemaker_session: Session | None = None,
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
        """The `step_args` of a `TransformStep`.

        Args:
            data: the files: an s3:// address or a pipeline variable.
            data_type: "S3Prefix" or "ManifestFile".
            content_type: the media type of the files.
            compression_type: "Gzip" for compressed files.
            split_type: what makes a record: "Line", "RecordIO", "TFRecord"; None is a whole file.
            input_filter, output_filter: JSONPath expressions: the part of a record that the model
                sees, and the part of what comes of it that is kept.
            join_source: "Input" joins each record with its result.
            model_client_config: kept in the definition.
            job_name, experiment_config, wait, logs: accepted; a pipeline decides them.
        """
        source = given(
            DataSource={"S3DataSource": {"S3DataType": data_type, "S3Uri": data}},
            ContentType=content_type,
            CompressionType=compression_type,
            SplitType=split_type,
        )
        more = {
            "DataProcessing": given(
                InputFilter=input_filter, OutputFilter=output_filter, JoinSource=join_source
            ),
            "ModelClientConfig": dict(model_client_config or {}),
        }
        return StepArguments("Transform", lambda compiling: self._request(compiling, source, more))

    def _request(
        self, compiling: Compiling, source: dict[str, Any], more: dict[str, Any]
    ) -> dict[str, Any]:
        run = ExecutionVariables.PIPELINE_EXECUTION_ID
        usual = Join(on="/", values=["s3:/", *compiling.base(), run, compiling.step])
        output = given(
            S3OutputPath=self.output_path or usual,
            Accept=self.accept,
            AssembleWith=self.assemble_with,
            KmsKeyId=self.output_kms_key,
        )
        resources = given(
            InstanceCount=self.instance_count,
            InstanceType=self.instance_type,
            VolumeKmsKeyId=self.volume_kms_key,
        )
        made = given(
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
        named = compiling.job_name("TransformJobName", self.base_transform_job_name)
        return {**made, **named, **{key: value for key, value in more.items() if value}}
