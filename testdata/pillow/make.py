#!/usr/bin/python3
"""Makes eight_gray.png and eight_28x28.png of eight.png with Pillow, for the
tests of the command's own picture arithmetic. Needs Debian's python3-pil."""
import os

from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))
gray = Image.open("eight.png").convert("L")
gray.save("eight_gray.png")
gray.resize((28, 28), Image.BILINEAR).save("eight_28x28.png")
