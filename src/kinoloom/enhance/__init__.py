"""Clean, sharpen and enlarge pictures and video."""
