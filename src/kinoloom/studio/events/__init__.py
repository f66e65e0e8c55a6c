"""Topics that pages listen to, and the stream that carries them."""
