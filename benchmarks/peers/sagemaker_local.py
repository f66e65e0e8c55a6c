"""A chain of steps in the SageMaker SDK's local mode, without its containers.

Run by `benchmarks.pipelines_overhead` with an interpreter that has `sagemaker==2.257.7` and
`moto[s3,sts]`. Docker is a script that does nothing and S3 is moto's, in this process: only the
SDK's own work remains, and no step's program starts. Each line on standard input runs the chain
once; the result is the seconds per step.
"""

import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from moto import mock_aws

STEPS = 10
ROLE = "arn:aws:iam::111122223333:role/R"


def main() -> None:
    """Run the chain for each line on standard input."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    (folder / "nothing.py").write_text("pass\n")
    (folder / "docker").write_text('#!/bin/sh\n[ "$2" = version ] && echo v2.20.0\nexit 0\n')
    (folder / "docker").chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    os.environ.update(
        AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="us-east-1"
    )
    with mock_aws():
        pipeline = chain()
        for _ in sys.stdin:
            start = time.perf_counter()
            execution = pipeline.start()
            seconds = time.perf_counter() - start
            status = execution.describe()["PipelineExecutionStatus"]
            print(seconds / STEPS if status == "Succeeded" else status, flush=True)


def chain() -> Any:
    """Return a pipeline of script processors in sequence."""
    import boto3
    from sagemaker.processing import ProcessingOutput, ScriptProcessor
    from sagemaker.workflow.pipeline import Pipeline
    from sagemaker.workflow.pipeline_context import LocalPipelineSession
    from sagemaker.workflow.steps import ProcessingStep

    boto3.client("s3").create_bucket(Bucket="my-bucket")
    session = LocalPipelineSession(boto_session=boto3.Session(), default_bucket="my-bucket")
    steps = []
    for k in range(STEPS):
        processor = ScriptProcessor(
            role=ROLE, image_uri="any:1", command=["python3"], instance_count=1,
            instance_type="local", sagemaker_session=session,
        )  # fmt: skip
        output = ProcessingOutput(source="/opt/ml/processing/out", output_name="out")
        arguments = processor.run(code="nothing.py", outputs=[output])
        needs = [f"S{k - 1}"] if k else []
        steps.append(ProcessingStep(f"S{k}", step_args=arguments, depends_on=needs))
    pipeline = Pipeline("Chain", steps=steps, sagemaker_session=session)
    pipeline.create(ROLE)
    return pipeline


main()
