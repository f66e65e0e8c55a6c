"""Work of the studio that requires heavy libraries; it runs in warm processes."""
