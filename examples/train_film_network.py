"""Train a narrow FILM network for a few steps.

python examples/train_film_network.py  (needs the extra `train`)
"""

import torch

from kinoloom.film.nets.film_net import FilmNet, FilmOptions

torch.manual_seed(0)
net = FilmNet(FilmOptions(filters=4, flow_filters=(4, 4, 4, 4)))
optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
x0 = torch.rand(1, 3, 64, 64)
x1 = x0.roll(4, dims=3)
truth = x0.roll(2, dims=3)
for step in range(3):
    loss = (net(x0, x1, 0.5) - truth).abs().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    print(f"step {step}: L1 {loss.item():.4f}")
