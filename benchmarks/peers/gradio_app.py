"""A Gradio application of four components, for benchmarks/studio.py: python gradio_app.py PORT."""

import sys

import gradio

with gradio.Blocks() as app:
    first, second = gradio.Image(), gradio.Image()
    time = gradio.Slider(0, 1)
    result = gradio.Video()

app.launch(server_port=int(sys.argv[1]), quiet=True)
