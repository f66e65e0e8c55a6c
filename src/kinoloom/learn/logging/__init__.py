"""Loss logs, TensorBoard events and progress of training runs."""
