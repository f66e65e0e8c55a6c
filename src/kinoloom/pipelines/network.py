"""The network of jobs. Names are those of `sagemaker.network`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.workflow.entities import PipelineVariable


@dataclass(frozen=True)
class NetworkConfig:
    """What a processing job may reach; kept in the definition, it means nothing locally.

    Attributes:
        enable_network_isolation: whether it may reach nothing at all.
        security_group_ids, subnets: of the private network that it is in.
        encrypt_inter_container_traffic: whether its machines talk in cipher; None is the
            service's choice.
    """

    enable_network_isolation: bool | PipelineVariable = False
    security_group_ids: Sequence[str | PipelineVariable] | None = None
    subnets: Sequence[str | PipelineVariable] | None = None
    encrypt_inter_container_traffic: bool | PipelineVariable | None = None

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a request."""
        made: dict[str, Any] = {"EnableNetworkIsolation": self.enable_network_isolation}
        if self.encrypt_inter_container_traffic is not None:
            made["EnableInterContainerTrafficEncryption"] = self.encrypt_inter_container_traffic
        network = vpc_config(self.subnets, self.security_group_ids)
        return {**made, "VpcConfig": network} if network else made


def vpc_config(
    subnets: Sequence[Any] | None, security_group_ids: Sequence[Any] | None
) -> dict[str, Any]:
    """The JSON of a private network; empty when neither is given."""
    made = {"SecurityGroupIds": security_group_ids, "Subnets": subnets}
    return {key: list(value) for key, value in made.items() if value is not None}
