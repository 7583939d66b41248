"""Force in, strokes, exposure and alerts out. Pure: newtons only, no clock, no input or output."""
