"""The network of jobs, as `sagemaker.network`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.builder.variables import PipelineVariable


@dataclass(frozen=True)
class NetworkConfig:
    """The network of a processing job; kept in the definition, without effect locally.

    Attributes:
        enable_network_isolation: Whether the job has no network access.
        security_group_ids, subnets: The job's private network.
        encrypt_inter_container_traffic: Whether traffic between its machines is encrypted; None
            leaves it to the service.
    """

    enable_network_isolation: bool | PipelineVariable = False
    security_group_ids: Sequence[str | PipelineVariable] | None = None
    subnets: Sequence[str | PipelineVariable] | None = None
    encrypt_inter_container_traffic: bool | PipelineVariable | None = None

    def to_request(self) -> dict[str, Any]:
        """Return the configuration's JSON in a request."""
        request: dict[str, Any] = {"EnableNetworkIsolation": self.enable_network_isolation}
        if self.encrypt_inter_container_traffic is not None:
            request["EnableInterContainerTrafficEncryption"] = self.encrypt_inter_container_traffic
        network = vpc_config(self.subnets, self.security_group_ids)
        return {**request, "VpcConfig": network} if network else request


def vpc_config(
    subnets: Sequence[Any] | None, security_group_ids: Sequence[Any] | None
) -> dict[str, Any]:
    """Return the JSON of a private network; {} if neither argument is given."""
    members = {"SecurityGroupIds": security_group_ids, "Subnets": subnets}
    return {key: list(value) for key, value in members.items() if value is not None}
