#!/usr/bin/env python3
"""Writes pictures in formats that Go has no encoder for.

Needs python3-pil; written with Pillow 9.4. The picture is 8x6 pixels, red on the
left and blue on the right.
"""
from PIL import Image

picture = Image.new("RGB", (8, 6), (255, 0, 0))
picture.paste((0, 0, 255), (4, 0, 8, 6))
picture.save("lossless.webp", lossless=True)
picture.save("lossy.webp", quality=95)
picture.convert("RGBA").save("alpha.webp", lossless=True)
picture.convert("CMYK").save("cmyk.jpg", quality=95)
picture.save("progressive.jpg", quality=95, progressive=True)
picture.save("deflate.tiff", compression="tiff_adobe_deflate")
picture.convert("P").save("palette.gif")
picture.convert("P").save("palette.png")
