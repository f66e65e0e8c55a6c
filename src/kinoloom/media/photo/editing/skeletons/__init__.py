"""Files of each format without their pixels."""
