"""Several processes that train one network together, each on its share of every batch."""

from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True, slots=True)
class Processes:
    """This process's number, and how many there are."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process measures and writes files."""
        return self.rank == 0

    def share(self, rows: torch.Tensor) -> torch.Tensor:
        """Return this process's part of a batch."""
        return rows[self.rank :: self.count]

    def add_gradients(self, module: nn.Module) -> None:
        """Add up the gradients of all processes, each weighted by its share already."""
        if self.count == 1:
            return
        for parameter in module.parameters():
            if parameter.requires_grad:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                distributed.all_reduce(parameter.grad)

    def add(self, values: list[float]) -> list[float]:
        """Return the sums of these numbers over all processes."""
        if self.count == 1:
            return values
        found = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(found)
        return [float(value) for value in found]

    def align(self, module: nn.Module) -> None:
        """Give every process the first one's weights."""
        if self.count == 1:
            return
        for value in (*module.parameters(), *module.buffers()):
            distributed.broadcast(value.data, 0)


ALONE = Processes()


def join(rank: int, count: int) -> Processes:
    """Meet the other processes where `torchrun` says; `gloo` works on every machine."""
    if count > 1:
        distributed.init_process_group(
            "nccl" if torch.cuda.is_available() else "gloo", rank=rank, world_size=count
        )
    return Processes(rank, count)


def leave(processes: Processes) -> None:
    """Say good-bye to the other processes."""
    if processes.count > 1:
        distributed.destroy_process_group()
