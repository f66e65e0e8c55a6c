"""The page Notes: text that people write together, and the first user of documents."""
