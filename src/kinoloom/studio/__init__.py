"""The studio: a local web application over the ops, pages and jobs of kinoloom."""
