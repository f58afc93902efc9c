"""Cases of text files: encodings, separators, quotation marks, headers."""

import re

from tests.cases.table import Case, csv_file, read, refused, rows, table
from zoo.row_files.format import Format

CSV = table(rows())
CHINESE = table([[f"第{n}次买的书，写得不太好，我很失望。", "01"[n % 2]] for n in range(40)])
FRENCH = table([[f"Le numéro {n} était à l'école", "01"[n % 2]] for n in range(40)])
TWEETS = [[f'"tweet number {n}' if n % 10 == 3 else f"tweet {n}", "no" if n % 2 else "yes"] for n in range(40)]
SWALLOWED = re.sub("tweet .?9", r'\g<0>"', table(TWEETS, "\t"))
BOTH, TABS = "rows.csv: UTF-8, separated by commas", "rows.tsv: UTF-8, separated by tabs"


_ZERO_ONE = "40 rows; 0 20, 1 20"
_GIVEN = Format(columns=("text", "label"))
_QUOTED = [f'"text, number {n}",{"bad" if n % 2 else "good"}' for n in range(40)]

ENCODINGS = [
    read("UTF-8", csv_file(CSV), BOTH),
    read("UTF-8 with its mark, as Excel writes", csv_file(CSV, encoding="utf-8-sig"), BOTH),
    read("UTF-16 with its mark", csv_file(CSV, encoding="utf-16"), "rows.csv: UTF-16, separated by commas"),
    read("UTF-16 without its mark", csv_file(CSV, encoding="utf-16-le"), "rows.csv: UTF-16LE, separated by commas"),
    read("UTF-16, high byte first, no mark", csv_file(CSV, encoding="utf-16-be"), "rows.csv: UTF-16BE, separated by"),
    read("UTF-32 with its mark", csv_file(CSV, encoding="utf-32"), "rows.csv: UTF-32, separated by commas"),
    read(
        "GB18030, as Chinese Excel writes", csv_file(CHINESE, encoding="gb18030"), "rows.csv: GB18030, sep", _ZERO_ONE
    ),
    read("Chinese in UTF-8", csv_file(CHINESE), BOTH, _ZERO_ONE),
    refused("Western European", csv_file(FRENCH, encoding="cp1252"), "line 2 has the byte 0xe9, which is not UTF-8"),
    read(
        "Western European, named",
        csv_file(FRENCH, encoding="cp1252"),
        "rows.csv: cp1252, separated by commas",
        _ZERO_ONE,
        Format(encoding="cp1252"),
    ),
    refused(
        "another encoding than is named",
        csv_file(FRENCH),
        "line 2 has the byte 0xa0, which is not shift_jis",
        Format(encoding="shift_jis"),
    ),
    refused(
        "Korean in EUC-KR", csv_file("text,label\n책을 읽었다,좋음\n", encoding="euc-kr"), "line 2 has the byte 0xc0"
    ),
    refused("UTF-8 with one damaged byte", {"rows.csv": CHINESE.encode()[:600]}, "it is UTF-8, but line 12 has the"),
    refused("a zero byte in a text", csv_file(CSV.replace("number 7", "number\0 7")), "line 9 has a zero byte"),
    refused("UTF-16 cut short", {"rows.csv": CSV.encode("utf-16")[:-1]}, "line 41 has the byte 0x0a, which is not"),
]

SEPARATORS = [
    read("semicolons", csv_file(table(rows(), ";")), "rows.csv: UTF-8, separated by semicolons"),
    read("pipes", csv_file(table(rows(), "|")), "rows.csv: UTF-8, separated by pipes"),
    read("tabs in a file named CSV", csv_file(table(rows(), "\t")), "rows.csv: UTF-8, separated by tabs"),
    read("commas in a file named TSV", csv_file(CSV, "rows.tsv"), "rows.tsv: UTF-8, separated by commas"),
    read("Excel's sep= line", csv_file(f"sep=;\n{table(rows(), ';')}"), "rows.csv: UTF-8, separated by semicolons"),
    read("another separator, named", csv_file(table(rows(), "^")), "rows.csv: UTF-8, sep", given=Format(separator="^")),
    refused("another separator", csv_file(table(rows(), "^")), "has no column '...'; its first row was taken for"),
    refused("another separator than is named", csv_file(CSV), "no column", Format(separator=";")),
    read("lines that end in CR", csv_file(table(rows(), end="\r")), BOTH),
    read("lines that end in CRLF", csv_file(table(rows(), end="\r\n")), BOTH),
    read("no line break at the end", csv_file(CSV.rstrip()), BOTH),
    refused(
        "a comma in a text", csv_file(CSV.replace("number 7", "number, 7")), "line 9 has 3 cells and the header has 2"
    ),
    refused("a row cut short", csv_file(CSV.replace(" 7,good", " 7")), "line 9 has 1 cells and the header has 2"),
    read("blank lines", csv_file(CSV.replace("\n", "\n\n")), BOTH + "; rows.csv: blank lines, which are no rows: 41"),
]

QUOTES = [
    read("every text in quotation marks", csv_file("\n".join(["text,label", *_QUOTED])), BOTH),
    read(
        "line breaks in a text",
        csv_file("\n".join(["text,label", *_QUOTED]).replace("number 7", "number\n7")),
        BOTH + "; rows.csv: rows with line breaks in a cell: 1, the first in line 9",
    ),
    read("an inch sign in a text", csv_file(CSV.replace("number 7", 'number 7"')), BOTH),
    read(
        "doubled marks in a text",
        csv_file("\n".join(["text,label", *_QUOTED]).replace("number 7", '""number"" 7')),
        BOTH,
    ),
    refused(
        "a mark that does not close", csv_file(CSV.replace("text number 7", '"text 7')), "line 9: a quotation mark"
    ),
    refused(
        "a lost mark", csv_file("\n".join(["text,label", *_QUOTED]).replace('7"', "7")), "line 9: a quotation mark"
    ),
    refused(
        "marks escaped by backslash", csv_file(CSV.replace("text number 7", r'"a \"b\" c"')), "line 9: a quotation"
    ),
    read(
        "tabs, and texts that begin with a mark",
        csv_file(table(TWEETS, "\t"), "rows.tsv"),
        TABS + "; rows.tsv: quotation marks are part of the text",
        "40 rows; no 20, yes 20",
    ),
    refused(
        "tabs, and a mark that closes lines later",
        csv_file(SWALLOWED, "rows.tsv"),
        "can be read in two ways: 41 lines are rows, or ... rows, of which one in line 5 has line breaks",
    ),
    read(
        "the same, where marks are said to be text",
        csv_file(SWALLOWED, "rows.tsv"),
        TABS + "; rows.tsv: quotation marks are part of the text",
        "40 rows; no 20, yes 20",
        Format(quotes=False),
    ),
    refused(
        "tabs, and both kinds of marks",
        csv_file(table([*TWEETS, ['"whole"', "no"]], "\t"), "rows.tsv"),
        "line 5: a quotation mark opens",
    ),
    refused(
        "a mark that swallows a row", csv_file(f'{CSV}"a,bad\nb",good\n'), "two ways: 43 lines are rows, or 42 rows"
    ),
]

HEADERS = [
    refused(
        "no header", csv_file(CSV.partition("\n")[2]), "its first row was taken for the header and has: 'text number 0'"
    ),
    read("no header, but names", csv_file(CSV.partition("\n")[2]), BOTH + ", without a header", given=_GIVEN),
    refused(
        "too few names", csv_file(CSV), "2 columns in its first row and --columns names 3", Format(columns=tuple("abc"))
    ),
    refused("names for two separators", csv_file("a;b,c\n"), "several separators (commas, semicolons)", _GIVEN),
    refused("another name", csv_file(CSV.replace("text,", "body,")), "has no column 'text'; its first row was taken"),
    refused(
        "a blank before a name",
        csv_file(CSV.replace("text,", " text,")),
        "has no column 'text'; ... has: ' text', 'label'",
    ),
    refused("a column twice", csv_file("text,text,label\na,b,c\n"), "has the column 'text' twice; rename one of them"),
    read("another column twice", csv_file(CSV.replace("\n", ",,\n").replace("label,,", "label,x,x")), BOTH),
    refused(
        "a comment above the header",
        csv_file(f"# exported\n{CSV}"),
        "its first row was taken for the header and has: '#",
    ),
    refused("an empty file", csv_file(""), "is empty; give a file with rows"),
    Case("a header alone", csv_file("text,label\n"), "refused: rows.csv: there are no rows"),
    refused("another ending", csv_file(CSV, "rows.xlsx"), "is not a .csv, .tsv, .txt"),
    refused("a compressed file", csv_file(CSV, "rows.csv.gz"), "is compressed; unpack it first"),
]

LINES = [
    Case(
        "one text a line",
        csv_file('a text\n\n"another, one\n', "rows.txt"),
        "refused: rows.txt has one text a line and no column 'label'; if a line has several columns, name them",
        "read: 3 rows; rows.txt: UTF-8, one text a line",
    ),
    read("a text file with a header", csv_file(table(rows(), "\t"), "rows.txt"), "rows.txt: UTF-8, separated by tabs"),
    read("a text file with names", csv_file(CSV.partition("\n")[2], "rows.txt"), "rows.txt: UTF-8, sep", given=_GIVEN),
    Case(
        "a text file with tabs and no header",
        csv_file(table(rows(), "\t").partition("\n")[2], "rows.txt"),
        "refused: rows.txt has one text a line and no column 'label'",
        "refused: rows.txt has 2 columns in every line, separated by tabs; name them with --columns",
    ),
    refused("fastText's layout", csv_file("__label__bad a text\n", "rows.txt"), "is in fastText's layout"),
]

CASES: list[Case] = [*ENCODINGS, *SEPARATORS, *QUOTES, *HEADERS, *LINES]
