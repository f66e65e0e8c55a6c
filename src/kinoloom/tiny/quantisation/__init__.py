"""From a network in real numbers to an int8 inference program."""
