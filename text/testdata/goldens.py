"""Makes goldens.json: tokens and stems of NLTK 3.8 (Debian's python3-nltk) for the
sentences below. With files of texts, a line each, it prints the same for those."""

import json
import sys

from nltk.stem.snowball import SnowballStemmer
from nltk.tokenize import TreebankWordTokenizer

SENTENCES = [
    "They'll save and invest more.",
    "hi, my name can't hello,",
    'He said: "It isn\'t mine", and left.',
    '"Quotes" at the start and at the "end"',
    "''Two single quotes'' and `` two back ticks''",
    'A bracket ("with quotes") [or "these"] {or "those"} <or "them">.',
    "It costs $3.88, or 3,36 euros; about 10:30, a ratio of 3:4, and 1,000,000 more:",
    "Mr. Smith lives in the U.S.A. He works at 9 a.m.",
    "The last full stop.) ",
    "The last full stop.\"'",
    "An ellipsis... and four.... and the end...",
    "What?! No!! #tag @name 50% A&B; done",
    "dashes -- two --- three ---- four - one",
    "cannot CANNOT can not scannot cannots cannot.",
    "d'ye gimme gonna gotta lemme more'n wanna wannabe wanna. gonna gonna",
    "'tis 'twas 'Tis it'tis the 'twas.",
    "I'm you're he's we've I'd they'll isn't N'T WON'T I'M YOU'LL WE'RE WE'VE HE'S HE'D",
    "rock 'n' roll, the dogs' bones and James' hat '",
    "'single quotes' and ''' three",
    "a:b a,b a, b a :b ,a :",
    "tabs\tand\nlines,\nand an end,\n",
    "a full stop before a line's end.\n",
    "Ünïcödé wörds, naïve café: 东西，和 １２:３４ a：b",
    "no-break\u00a0space, thin\u2009space. next\u0085line\x1cseparator",
    "(((nested))) [[brackets]] {{braces}} <<angles>>",
    "",
    "   ",
    "...",
    ".",
    "a.",
    "'",
    "\"",
    "it's its' it''s",
    "don't don’t",
    "e-mail me@example.org, http://example.org/a?b=c&d=e#f",
    "caresses ponies ties cats feed agreed plastered motoring sing conflated troubled sized hopping falling",
    "filing happy sky relational conditional rational valency digitizer conformably radically differently",
    "generously communication arsenal skis dying lying news inning proceed exceed succeed",
    "The movies were surprisingly entertaining, and nobody's performance was disappointing.",
]


def golden(text):
    tokens = TreebankWordTokenizer().tokenize(text)
    stemmer = SnowballStemmer("english")
    return {"text": text, "tokens": tokens, "stems": [stemmer.stem(t) for t in tokens]}


if len(sys.argv) > 1:
    for name in sys.argv[1:]:
        for line in open(name, encoding="utf-8"):
            print(json.dumps(golden(line.rstrip("\n"))))
else:
    with open("goldens.json", "w", encoding="utf-8") as file:
        json.dump([golden(s) for s in SENTENCES], file, ensure_ascii=False, indent=1)
        file.write("\n")
