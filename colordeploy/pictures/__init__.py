"""Pictures: files and arrays in and out, sizes, colour, strokes and upsampling."""
