#!/usr/bin/python3
"""Packs the cases of some kinds of e_golden.py into one zip: index.json with the cases, and their arrays.
   pack.py GOLDEN OUT.zip KIND...    GOLDEN is the folder that e_golden.py wrote."""
import json, os, sys, zipfile

golden, out, kinds = sys.argv[1], sys.argv[2], sys.argv[3:]
cases = [c for c in json.load(open(os.path.join(golden, "index.json")))["cases"] if c["kind"] in kinds]
files = set()
for c in cases:
    files |= set(c["files"].values()) | set(c["params"].get("p0", [])) | set(c["params"].get("grads", []))
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
    def add(name, data):
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        z.writestr(info, data, compresslevel=9)
    add("index.json", json.dumps(cases, indent=1))
    for f in sorted(files):
        add(f, open(os.path.join(golden, f), "rb").read())
