# Makes wqy-microhei.ttf.gz: the letters of European languages, of Japanese
# syllables and of Chinese (GB 2312 and the first level of Big5) of WenQuanYi Micro
# Hei, from the package fonts-wqy-microhei of Debian 12; and latin.ttf, those of
# Western and Central European languages alone.
#   python3 subset.py /usr/share/fonts/truetype/wqy/wqy-microhei.ttc
import gzip
import io
import sys

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

letters = set(range(0x20, 0x250)) | set(range(0x370, 0x530)) | set(range(0x2010, 0x2050)) | set(range(0x2070, 0x20D0))
letters |= set(range(0x2190, 0x2300)) | set(range(0x2460, 0x2500)) | set(range(0x25A0, 0x2670)) | set(range(0x3000, 0x3100)) | set(range(0xFF00, 0xFFF0))
for encoding, first, last in (("gb2312", 0xA1, 0xF7), ("big5", 0xA4, 0xC6)):
    for high in range(first, last + 1):
        for low in range(0x40, 0xFF):
            try:
                letters |= {ord(c) for c in bytes([high, low]).decode(encoding)}
            except UnicodeDecodeError:
                pass


def cut(font, letters):
    """Cuts letters out of a font, and returns it as a file."""
    options = subset.Options(hinting=False, layout_features=[], notdef_outline=True, drop_tables=["GSUB", "GPOS", "GDEF", "vhea", "vmtx", "FFTM"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=letters)
    subsetter.subset(font)
    font.flavor = None
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    out = io.BytesIO()
    font.save(out)
    print(len(font.getBestCmap()), "letters")
    return out.getvalue()


whole = cut(TTCollection(sys.argv[1]).fonts[0], letters)
with open("wqy-microhei.ttf.gz", "wb") as f:
    f.write(gzip.compress(whole, 9, mtime=0))
with open("latin.ttf", "wb") as f:
    f.write(cut(TTFont(io.BytesIO(whole)), set(range(0x20, 0x180)) | set(range(0x2010, 0x2050))))
