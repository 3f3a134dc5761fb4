"""From the numbers of bench/run to docs/bench.md and its pictures.

Results are {"machine": {what: text}, "date", "load", "sections": {name: {"date", "load", "notes", "tables"}}},
tables are {table: {column: {row: figure}}}, and a figure has numbers: "seconds", "cpu" and "requests" are
lists with one for each round; "peak" (MB), "megabytes" (how many were worked on), "bytes" and "processes"
are single.
"""
import html
import math
import os
from statistics import median
from typing import NamedTuple

OURS, MAKE, NINJA = "ko resolve (ours)", "make ko-resolve (ours)", "ninja alone, same graph"
GO, KO, KO_PLAIN = "go build, same programs", "ko (Go), with KOCACHE", "ko (Go)"
BUILT, SENT = "ko resolve, no registry (ours)", "ko-push of what was built (ours)"
COPIED = "dd of what ours made, synced"
LAYER, GOLAYER = "ko-layer (ours)", "go-containerregistry, as ko"
PUSH, CURL = "ko-push (ours)", "curl -T, no look, no hash"
SCAN, PATCH = "ko-scan (ours)", "ko-patch (ours)"
EMPTY, SLOW = "empty go cache, loopback", "warm go cache, 20 Mbit/s"


class Section(NamedTuple):
    """A chapter: one table of the results. Its plots are of these keys."""
    title: str
    table: str
    text: str
    keys: tuple = ("seconds",)
    plots: tuple = ("seconds",)
    spread: bool = False


SECTIONS = (
    Section("Nothing changed", "noop",
            "Columns: examples/shop (nine programs), and generated modules of so many programs, each with "
            "200 Go files and 20 manifests. All was resolved, pushed and built before. Ours and ko name the "
            "same registry on this machine. Ours asks it nothing, and looks at each file; it ran three times "
            "before, since it starts not even ninja once it has seen that nothing is to do. ko asks go for each "
            "program and the registry for each image. go build makes no images and reads no manifests.",
            ("seconds", "cpu", "peak")),
    Section("Only touched", "touch",
            "The time of a file that all programs use is set to now; what is in it stays. ko and go build go by "
            "content.", ("seconds", "cpu", "peak")),
    Section("Edits", "edit",
            "A function is added to a file: of a package that one program uses (leaf), or that all use (shared); "
            "in examples/shop, and in modules of 8 to 100 programs. Each edit is one that was never seen. Ours and "
            "ko also make the images, and a bill of materials of each, and push them to a registry that has its part "
            "of the same two cores; go build does not. dd copies the executables and blobs that ours made."),
    Section("First build and push", "first",
            "examples/shop in a new checkout, nine images that the registry does not have. With an empty go cache "
            "everything is compiled, the standard library too; with a warm one programs are only linked, and "
            "what is sent (not what comes back) is limited. Ours and ko also make and push a bill of materials of each "
            "image. Ranges are of the ratios within a round. go "
            "build makes no images and pushes nothing.", ("seconds", "peak"), spread=True),
    Section("Layers", "layer",
            "Columns: MB of an executable of Go code, from the page cache to a file, on at most two cores; ratios "
            "are of times. Ours and go-containerregistry write a tar archive and take the SHA-256 before and after "
            "compression; the latter is the version in ko, called as ko calls it. gzip and pigz make no "
            "archive and no hashes.", ("speed", "peak"), ("speed", "peak")),
    Section("Kinds of compression", "kinds", "ko-layer --compression=KIND of an executable of 20 MB.",
            ("seconds", "speed", "bytes"), ("speed",)),
    Section("A layer made before", "known",
            "An executable of 50 MB that another project has too: its layer is linked from the cache. cp only "
            "copies the packed layer."),
    Section("Push", "push",
            "From the page cache to docker-registry, which keeps blobs in memory where there is /dev/shm: one image "
            "of 500 MB, eight of 4 MB, and eight that are there already; with 50 ms, each answer comes so much later "
            "(toxiproxy). crane and skopeo push one image a run, one after the other. curl sends the blob of "
            "500 MB: no hash, no manifest. ko's row is `ko resolve` of nine images: it looks at its sources too.",
            ("seconds", "requests")),
    Section("Processes and requests", "count",
            "examples/shop: nine images that the registry does not have; the same again (ours after three runs, as "
            "above); after an edit of one program. The command itself is one of the processes (strace). go build "
            "makes no images.", ("processes", "requests"), ("processes", "requests")),
    Section("Disk", "disk", "After one run in examples/shop, nine programs; files that are linked count once. "
            "go build makes no images.", ("bytes",), ("bytes",)),
    Section("Manifests of 100 MB", "manifests",
            "One file, a reference in each 800 bytes: references found, and images put in their places. sed knows "
            "no YAML, libyaml (by way of Python) parses and does nothing more.", ("seconds", "speed", "peak"),
            ("speed",)),
)


class Bar(NamedTuple):
    """What is promised: `over` divided by `under` (the largest of its rows; nothing: as it is), or less all of it."""
    text: str
    table: str
    columns: tuple
    over: str
    under: tuple
    least: float = None
    most: float = None
    key: str = "seconds"
    minus: bool = False


GROWN, SIZES = ("shop", "8", "50", "100"), ("5", "50", "150", "1000")
LEAF, SHARED = ("leaf, shop", "leaf, 8", "leaf, 50", "leaf, 100"), ("shared, shop", "shared, 8", "shared, 50")
BARS = (
    Bar("nothing changed: ko (Go) with KOCACHE / ours", "noop", GROWN, KO, (OURS,), least=100),
    Bar("nothing changed: go build / ours", "noop", GROWN, GO, (OURS,), least=15),
    Bar("nothing changed: ours / ninja alone", "noop", GROWN, OURS, (NINJA,), most=2),
    Bar("one program edited: ours − (go build + dd)", "edit", LEAF, OURS, (GO, COPIED), most=0.15,
        minus=True),
    Bar("all programs edited: ours − (go build + dd)", "edit", SHARED, OURS, (GO, COPIED), most=0.15,
        minus=True),
    Bar("layer on one core: as ko / ours", "layer", ("150, one core",), GOLAYER, (LAYER,), least=2),
    Bar("layer on two cores: as ko / ours", "layer", SIZES, GOLAYER, (LAYER,), least=3),
    Bar("layer: peak memory", "layer", SIZES + ("150, one core",), LAYER, (), most=32, key="peak"),
    Bar("first build and push: ours / go build", "first", (EMPTY,), OURS, (GO,), most=1.05),
    Bar("build and push at 20 Mbit/s: ours / the longer of both", "first", (SLOW,), OURS, (BUILT, SENT),
        most=1.1),
    Bar("push of 500 MB: curl / ours", "push", ("500 MB",), CURL, (PUSH,), least=0.9),
    Bar("references found", "manifests", ("100",), SCAN, (), least=50, key="speed"),
    Bar("images put in", "manifests", ("100",), PATCH, (), least=50, key="speed"),
)


def digits(x):
    return f"{x:.3g}" if abs(x) < 999.5 else f"{x:.0f}"


def times(ratio):
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def show_time(seconds):
    return digits(seconds * 1000) + " ms" if abs(seconds) < 0.9995 else digits(seconds) + " s"


# What a key is called, and how its numbers are written.
KEYS = {"seconds": ("Time", show_time),
        "cpu": ("CPU time", show_time),
        "peak": ("Peak memory of the largest process", lambda mb: digits(mb) + " MB"),
        "speed": ("Speed", lambda mb: digits(mb) + " MB/s"),
        "requests": ("Requests", digits),
        "processes": ("Processes started", digits),
        "bytes": ("Size", lambda n: digits(n / 1e6) + " MB")}


def value(figure, key):
    """The number of a figure, the median if it has several; None where there is none."""
    if figure and key == "speed" and "megabytes" in figure:
        return figure["megabytes"] / median(figure["seconds"])
    found = (figure or {}).get(key)
    return median(found) if isinstance(found, list) else found


def tables_of(results):
    """Columns of one table may be of several sections."""
    tables = {}
    for section in results["sections"].values():
        for name, table in section["tables"].items():
            tables.setdefault(name, {}).update({column: rows for column, rows in table.items() if rows})
    return {name: table for name, table in tables.items() if table}


def rows_of(table):
    return list(dict.fromkeys(row for column in table.values() for row in column))


# ---- tables

def ratio_text(figure, first, spread):
    a, b = value(figure, "seconds"), value(first, "seconds")
    if not a or not b:
        return ""
    text = "×" + times(a / b)
    rounds = [x / y for x, y in zip(figure["seconds"], first["seconds"])]
    if spread and len(rounds) > 1 and figure is not first:
        text += f", {times(min(rounds))}–{times(max(rounds))}"
    return f" ({text})"


def cell(figure, key, first, spread):
    number = value(figure, key)
    if number is None:
        return "–"
    ratio = ratio_text(figure, first, spread) if key in ("seconds", "speed") and first else ""
    return KEYS[key][1](number) + ratio


def grid(heads, lines, side="---:|"):
    return ["| " + " | ".join(heads) + " |", "|---|" + side * (len(heads) - 1)] + [
        "| " + " | ".join(line) + " |" for line in lines] + [""]


def matrix(table, key, spread):
    """Rows are what ran, columns what it ran on. Ratios are to the first row."""
    rows = rows_of(table)
    lines = [[row] + [cell(column.get(row), key, column.get(rows[0]), spread) for column in table.values()]
             for row in rows]
    lines = [line for line in lines if any(text != "–" for text in line[1:])]
    return grid([KEYS[key][0], *table], lines) if lines else []


def listing(column, keys):
    """A table of one column: columns are the keys, ratios stand with the first of them."""
    first = next(iter(column.values()))
    return grid(["what ran"] + [KEYS[key][0].lower() for key in keys], [
        [row] + [cell(figure, key, first if key == keys[0] else None, False) for key in keys]
        for row, figure in column.items()])


def bar_value(bar, tables):
    """The worst case: its number, and both numbers that it is made of; or None."""
    found = []
    for column in bar.columns:
        cells = tables.get(bar.table, {}).get(column, {})
        a = value(cells.get(bar.over), bar.key)
        below = [value(cells.get(row), bar.key) for row in bar.under]
        if a is None or None in below:
            continue
        b = (sum if bar.minus else max)(below) if below else None
        number = a if b is None else a - b if bar.minus else a / b
        found.append((number, a, b, column))
    return (max if bar.least is None else min)(found) if found else None


def bars(results):
    tables, lines = tables_of(results), []
    for bar in BARS:
        form = KEYS[bar.key][1] if not bar.under or bar.minus else lambda x: "×" + times(x)
        limit = ("at most " if bar.least is None else "at least ") + form(bar.most or bar.least)
        worst = bar_value(bar, tables)
        if not worst:
            lines.append([bar.text, limit, "–", "–", "not measured"])
            continue
        number, a, b, column = worst
        met = number >= bar.least if bar.least is not None else number <= bar.most
        both = KEYS[bar.key][1](a) + (f" / {KEYS[bar.key][1](b)}" if b is not None else "")
        lines.append([bar.text, limit, form(number), f"{both} ({column})", "yes" if met else "**no**"])
    return ["## Bars", "", "The worst of the cases below counts.", ""] + grid(
        ["what", "bar", "measured", "medians", "met"], lines, "---|")


def head(results):
    missing = [f"{name}: {why}" for name, s in results["sections"].items() for why in s["notes"]]
    missing += [f"{what} is not there" for what, text in results["machine"].items() if not text]
    out = ["# Figures", "",
           f"Made by `make bench`, {results['date']}. What is compared ran in turns, within one run of that "
           "command; figures are medians, and ratios (×) are to the first row: they mean more than the times.",
           ""]
    out += grid(["machine", ""], [[what, text or "–"] for what, text in results["machine"].items()], "---|")
    if results["load"] > os.cpu_count():
        out += [f"**The machine was busy when this began (load {results['load']:.1f}): differences of "
                "milliseconds mean nothing.**", ""]
    again = [name for name, s in results["sections"].items() if s["run"] != results["date"]]
    if again:
        out += ["Of another run: " + ", ".join(again) + ".", ""]
    return out + (["Left out:", ""] + ["* " + text for text in missing] + [""] if missing else [])


def document(results):
    """The text, and name -> SVG of each picture."""
    tables, out, pictures = tables_of(results), head(results) + bars(results), {}
    for section in SECTIONS:
        table = tables.get(section.table)
        if not table:
            continue
        out += ["## " + section.title, "", section.text, ""]
        if len(table) == 1:
            out += listing(next(iter(table.values())), section.keys)
        else:
            for key in section.keys:
                out += matrix(table, key, section.spread)
        for key in section.plots:
            name = f"bench-{section.table}{'' if key == section.plots[0] else '-' + key}.svg"
            title = f"{section.title}: {KEYS[key][0].lower()}"
            pictures[name] = picture(title, table, key)
            out += [f"![{title}]({name})", ""]
    return "\n".join(out), pictures


def write(results, to):
    """Writes bench.md and its pictures; pictures of former runs go."""
    text, pictures = document(results)
    os.makedirs(to, exist_ok=True)
    for name in os.listdir(to):
        if name.startswith("bench-") and name.endswith(".svg") and name not in pictures:
            os.unlink(os.path.join(to, name))
    for name, content in {"bench.md": text, **pictures}.items():
        with open(os.path.join(to, name), "w", encoding="utf-8") as f:
            f.write(content)


# ---- pictures

WIDTH, FONT = 840, 13
OUR_COLOURS = ("#00758f", "#3fa9c0", "#8cc8d6")
PEER_COLOURS = ("#c1440e", "#7b5aa6", "#6b7780", "#d99a00", "#3b7a3b", "#a05a7a")


def colours(rows):
    ours, peers = ([r for r in rows if ("ours" in r) == mine] for mine in (True, False))
    return {row: palette[i % len(palette)] for group, palette in ((ours, OUR_COLOURS), (peers, PEER_COLOURS))
            for i, row in enumerate(group)}


class Scale:
    """Where on the way from 0 to 1 a number is: by its logarithm where numbers are far apart."""

    def __init__(self, numbers, log=None):
        low, high = min(numbers), max(numbers)
        self.log = low > 0 and high > 20 * low if log is None else log
        if self.log:
            self.low, self.high = math.log10(low) - 0.15, math.log10(high) + 0.05
            steps = (1, 2, 5) if self.high - self.low < 2 else (1,)
            ticks = (s * 10.0**n for n in range(math.floor(self.low), math.ceil(self.high)) for s in steps)
            self.ticks = [t for t in ticks if self.low <= math.log10(t) <= self.high]
        else:
            self.low, self.high = 0, high * 1.05 or 1
            step = 10 ** math.floor(math.log10(self.high))
            step = next(s for s in (step / 5, step / 2, step) if self.high / s < 7 or s == step)
            self.ticks = [step * n for n in range(int(self.high / step) + 1)]

    def at(self, number):
        number = math.log10(number) if self.log else number
        return (number - self.low) / (self.high - self.low)


def text(x, y, words, anchor="start", colour="#333", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}">'
            f'{html.escape(words)}</text>')


def rule(x1, y1, x2, y2, colour="#ddd"):
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}"/>'


def dot(x, y, colour):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'


def svg(title, height, parts):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                      f'font-family="sans-serif" font-size="{FONT}">',
                      f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
                      text(10, 20, title, weight="bold"), *parts, "</svg>", ""])


def picture(title, table, key):
    """Lines where columns are numbers, else dots."""
    rows = rows_of(table)
    series = {row: {c: n for c, cells in table.items() if (n := value(cells.get(row), key)) is not None}
              for row in rows}
    series = {row: numbers for row, numbers in series.items() if numbers}
    if len([column for column in table if column.isdigit()]) > 1:
        return lines_picture(title, series, key)
    return dots_picture(title, series, list(table), key)


def spaced(labels, gap):
    """(y, ...) in order, moved down where they would overlap."""
    below = -math.inf
    for y, *rest in sorted(labels):
        below = max(y, below + gap)
        yield below, *rest


def lines_picture(title, series, key):
    form, colour, height, left, right, top = KEYS[key][1], colours(series), 380, 80, 570, 40
    points = {row: [(int(c), n) for c, n in numbers.items() if c.isdigit()] for row, numbers in series.items()}
    across = Scale([x for line in points.values() for x, _ in line], True)
    up = Scale([n for line in points.values() for _, n in line], True)
    x = lambda n: left + (right - left) * across.at(n)
    y = lambda n: height - 40 - (height - 40 - top) * up.at(n)
    parts, labels = [], []
    for tick in up.ticks:
        parts += [rule(left, y(tick), right, y(tick)), text(left - 6, y(tick) + 4, form(tick), "end")]
    for n in sorted({n for line in points.values() for n, _ in line}):
        parts += [rule(x(n), top, x(n), height - 40), text(x(n), height - 22, str(n), "middle")]
    for row, line in points.items():
        path = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in line)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour[row]}" stroke-width="2"/>')
        parts += [dot(x(a), y(b), colour[row]) for a, b in line]
        labels.append((y(line[-1][1]), row, form(line[-1][1])))
    parts += [text(right + 10, at + 4, f"{row} {number}", colour=colour[row])
              for at, row, number in spaced(labels, FONT + 3)]
    what = "programs" if key == "seconds" else "MB of the executable"
    parts.append(text((left + right) / 2, height - 5, what + "; both axes are logarithmic", "middle"))
    return svg(title, height, parts)


def dots_picture(title, series, columns, key):
    form, colour, left, right, line, y = KEYS[key][1], colours(series), 270, WIDTH - 90, 20, 48
    scale = Scale([n for numbers in series.values() for n in numbers.values()])
    x = lambda n: left + (right - left) * scale.at(n)
    parts = []
    for column in columns:
        if len(columns) > 1:
            parts.append(text(10, y, column, weight="bold"))
            y += line
        for row, numbers in series.items():
            if column in numbers:
                at = x(numbers[column])
                parts += [text(left - 8, y, row, "end"), rule(left, y - 4, at, y - 4, colour[row]),
                          dot(at, y - 4, colour[row]), text(at + 9, y, form(numbers[column]))]
                y += line
    grid_lines = [rule(x(t), 32, x(t), y - 10) for t in scale.ticks]
    parts += [text(x(t), y + 6, form(t), "middle", "#888") for t in scale.ticks]
    if scale.log:
        parts.append(text(10, y + 6, "logarithmic", colour="#888"))
    return svg(title, y + 16, grid_lines + parts)
