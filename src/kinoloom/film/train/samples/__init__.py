"""Training samples: extracted once from the source data and stored as files."""
