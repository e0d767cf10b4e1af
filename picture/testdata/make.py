#!/usr/bin/python3
"""Makes the pictures in this folder: a seven in black ink, as many programs
save it. Needs Pillow 9.4 and ImageMagick; run it here."""

import os
import subprocess

from PIL import Image, ImageCms, ImageDraw

SIDE = 96


def seven(scale=1):
    """The seven, drawn large and scaled down, as smooth as pens are."""
    big = Image.new("L", (4 * SIDE * scale, 4 * SIDE * scale), 255)
    points = [(x * 4 * scale, y * 4 * scale) for x, y in ((24, 20), (72, 20), (44, 80))]
    ImageDraw.Draw(big).line(points, fill=0, width=28 * scale, joint="curve")
    return big.resize((SIDE * scale, SIDE * scale), Image.LANCZOS)


gray = seven()
colour = Image.merge("RGB", (gray, gray.point(lambda v: 20 + v * 235 // 255), gray.point(lambda v: 80 + v * 175 // 255)))
layer = Image.new("RGBA", gray.size, (10, 20, 90, 0))  # ink on a transparent layer
layer.putalpha(gray.point(lambda v: 255 - v))
blank = Image.new("RGB", gray.size, "white")

colour.save("lossy.webp", quality=60)
layer.save("lossless.webp", lossless=True)
layer.save("lossy-alpha.webp", quality=60)
colour.save("animated.webp", save_all=True, append_images=[blank], duration=100)
layer.save("animated-alpha.webp", save_all=True, append_images=[layer.rotate(90)], duration=100, quality=60)

colour.convert("CMYK").save("cmyk.jpg", quality=80)
colour.save("progressive.jpg", quality=80, progressive=True)
colour.save("half-colours.jpg", quality=80, subsampling="4:2:0")
profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
colour.save("profile.jpg", quality=80, icc_profile=profile.tobytes())
turned = Image.Exif()
turned[0x0112] = 6  # show it turned by 90 degrees clockwise
colour.rotate(90).save("turned.jpg", quality=80, exif=turned)

# The other formats say it, too.
colour.rotate(90).save("turned.png", exif=turned)
colour.rotate(90).save("turned.webp", quality=60, exif=turned)
gray.rotate(90).save("turned.tiff", tiffinfo={274: 6}, compression="tiff_adobe_deflate")
# Four channels without Adobe's note are not inverted.
Image.eval(colour.convert("CMYK"), lambda v: 255 - v).save("inverted.jpg", quality=80)
inverted = open("inverted.jpg", "rb").read()
at = inverted.index(b"\xff\xee")
open("cmyk-plain.jpg", "wb").write(inverted[:at] + inverted[at + 16:])
os.remove("inverted.jpg")

palette = colour.quantize(16)
palette.save("palette.png")
colour.save("profile.png", icc_profile=profile.tobytes())
gray.convert("1").save("one-bit.png")
layer.quantize(32).save("palette-transparent.png", transparency=0)
layer.save("layer.png")
white = Image.new("RGBA", gray.size, (255, 255, 255, 0))
white.putalpha(gray.point(lambda v: 255 - v))
white.save("white-layer.png")
colour.save("animated.png", save_all=True, append_images=[blank], duration=100)
gray.convert("I").point(lambda v: v * 257).convert("I;16").save("sixteen-bits.png")

palette.save("animated.gif", save_all=True, append_images=[blank.quantize(2)], duration=100)
layer.quantize(32).save("transparent.gif", transparency=0)
palette.save("palette.bmp")
gray.convert("1").save("one-bit.bmp")

seven().save("seven.tiff", compression="tiff_lzw")
colour.save("seven.ico", sizes=[(48, 48)])


def magick(source, *arguments):
    subprocess.run(["convert", source, "-strip", *arguments], check=True)


magick("layer.png", "-interlace", "PNG", "interlaced.png")
magick("layer.png", "-depth", "16", "-define", "png:bit-depth=16", "-interlace", "PNG", "sixteen-bits-interlaced.png")
magick("palette.png", "-interlace", "GIF", "interlaced.gif")
magick("layer.png", "-trim", "small-frame.gif")  # the ink alone, somewhere on the screen
magick("seven.tiff", "-define", "tiff:tile-geometry=32x32", "-compress", "None", "tiles.tiff")
magick("palette.png", "-colorspace", "CMYK", "-interlace", "JPEG", "cmyk-progressive.jpg")

with open("seven.svg", "w") as f:
    f.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">'
            '<path d="M24 20h48L44 80" fill="none" stroke="#000" stroke-width="7"/></svg>\n')
