"""errors.py TOP: the error texts that manuals quote, and whether a test has them. Prints TAP.

They stand in "Bl -diag" lists and after "It Li" with a quoted text that has a colon. What
varies, words in capitals, "...", numbers, places and addresses, is left out, and the longest of the rest has to be in
a test."""
import glob
import os
import re
import sys

TOP = sys.argv[1]
VARIES = re.compile(r"\.\.\.|: |\b[A-Z][A-Z_]{2,}\b|\"X\"|sha256:|\S*[./:]\S*[./:]\S*|\S*\d+\S*|\b(?:docker|podman|buildah|m\.yaml)\b")
# texts of builds that "make check" does not make
UNTESTED = {"this program was built without libzstd; use gzip, or install libzstd-dev and build it again"}


def plain(line):
    """The text of an mdoc line, without its macros."""
    line = line.replace(r"\(dq", '"').replace(r"\&", "")
    line = re.sub(r" Qq (\S+) No ", r' "\1" ', line)
    return re.sub(r'^"(.*)"$', r"\1", line.strip()).strip()


def errors(path):
    in_list = False
    for line in open(path):
        if line.startswith(".Bl"):
            in_list = "-diag" in line
        elif line.startswith(".El"):
            in_list = False
        elif line.startswith(".It ") and in_list:
            yield plain(line[4:])
        elif line.startswith('.It Li "') and ": " in line:
            yield plain(line[7:])


def said_in_tests():
    names = glob.glob(TOP + "/tests/cli/*.t") + glob.glob(TOP + "/tests/unit/*.c") + glob.glob(TOP + "/tests/ko/*.py")
    text = "\n".join(open(name).read() for name in names)
    # texts in C go on over the ends of lines
    return re.sub(r"\s+", " ", re.sub(r'"\s*\n\s*"', "", text).replace("\\", ""))


def main():
    said = said_in_tests()
    count = failed = 0
    for path in sorted(glob.glob(TOP + "/man/*.[157]")):
        for text in errors(path):
            parts = [part.strip(' :;,"[]()') for part in VARIES.split(text)]
            longest = max(parts, key=len)
            found = longest in said or longest in UNTESTED
            count += 1
            failed += not found
            print("ok" if found else "not ok", count, f"- {os.path.basename(path)}: {text.replace('#', ' ')}")
            if not found:
                print(f"# no test has: {longest}")
    print(f"1..{count}")
    return failed > 0


sys.exit(main())
