"""Networks that step fields in time: presets, training, rollouts and what is seen in them."""
