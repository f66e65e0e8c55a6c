"""Training of networks on multivector fields: presets, metrics, diagnostics, reports."""
