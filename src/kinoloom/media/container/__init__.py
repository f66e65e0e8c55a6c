"""Container files: inputs, streams, packets, subtitles, joining."""
