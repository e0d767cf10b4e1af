# Prints the events of a file as protoc decodes them, and fails at a wrong
# checksum. Needs protoc and python3-crcmod (Debian 12).
#   python3 decode.py events.out.tfevents... >events.txt
import os
import struct
import subprocess
import sys

import crcmod.predefined

crc32c = crcmod.predefined.mkPredefinedCrcFun("crc-32c")


def masked(data):
    c = crc32c(data)
    return (((c >> 15) | (c << 17)) + 0xA282EAD8) & 0xFFFFFFFF


here = os.path.dirname(os.path.abspath(__file__))
with open(sys.argv[1], "rb") as f:
    while head := f.read(12):
        (size,) = struct.unpack("<Q", head[:8])
        assert struct.unpack("<I", head[8:])[0] == masked(head[:8]), "checksum of the length"
        data = f.read(size)
        assert len(data) == size, "the file is cut short"
        assert struct.unpack("<I", f.read(4))[0] == masked(data), "checksum of the data"
        sys.stdout.flush()
        subprocess.run(["protoc", "-I" + here, "--decode=Event", "event.proto"], input=data, check=True)
        print("--")
