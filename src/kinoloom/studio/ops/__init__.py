"""The ops of the registry as forms: descriptions in JSON, and the command of a filled form."""
