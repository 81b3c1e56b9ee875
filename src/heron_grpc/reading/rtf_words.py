"""Control words and numbers of RTF 1.9.1 that stand for something: characters, code pages, properties."""

CHARACTERS = {
    b"tab": "\t",
    b"line": "\n",
    b"lbr": "\n",
    b"emdash": "\u2014",
    b"endash": "\u2013",
    b"bullet": "\u2022",
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
    b"emspace": " ",
    b"enspace": " ",
    b"qmspace": " ",
    b"~": "\xa0",
    b"_": "-",
    b"\\": "\\",
    b"{": "{",
    b"}": "}",
}
# No code page, but the fonts' own.
OF_SYMBOLS = "symbols"
# Code pages of \fcharset; others are the document's.
CHARSETS = {
    0: "cp1252",
    2: OF_SYMBOLS,
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
CODE_PAGES = {
    10000: "mac_roman",
    10006: "mac_greek",
    10007: "mac_cyrillic",
    10029: "mac_latin2",
    65001: "utf-8",
    936: "gbk",
}
PROPERTIES = {
    b"title": "title",
    b"subject": "subject",
    b"author": "author",
    b"operator": "last_modified_by",
    b"keywords": "keywords",
    b"doccomm": "comments",
    b"category": "category",
    b"company": "company",
    b"manager": "manager",
    b"generator": "application",
}
# Groups that say nothing, or again for old readers; those that begin with \* are skipped unless they are known.
SKIPPED = frozenset(
    b"colortbl stylesheet fldinst nonshppict nonesttables shprslt sn xe tc txe rxe filetbl ftnsep ftnsepc aftnsep"
    b" aftnsepc ftncn aftncn pntxta pntxtb revtbl listtable listoverridetable atrfstart atrfend comment"
    b" hlinkbase".split()
)
