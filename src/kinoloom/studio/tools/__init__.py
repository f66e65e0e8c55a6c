"""The studio's own functions that need heavy libraries; they run in a warm process."""
