"""What the studio keeps in FOLDER/.kinoloom."""
