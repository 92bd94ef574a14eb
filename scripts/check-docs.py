#!/usr/bin/env python3
"""What the documentation says is there, is there.

Every relative link of every Markdown file leads to a file, and to a heading that it has. Every source file that stands in
backticks is one of the repository's. In docs/architecture.md the names do too: `file.rs::name` is in that file, and what
looks like a name of the code (`make_it`, `Type::make`, `Type`) is one, as a whole word of the sources. The checklist in
docs/provider-compatibility.md has every test that bears a number of it, and a test for every number.
"""

import pathlib
import re
import subprocess
import sys
from urllib.parse import unquote

ROOT = pathlib.Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"`([^`\n]+)`")
# `server/src/main.rs`, `settle.rs`, `app/submit.rs::submit`: by the end of the path.
SOURCE = re.compile(r"(?P<file>[\w./-]*\w\.(?:rs|sh|py|toml|sql))(?:::(?P<name>\w+))?")
# What may follow a name: a call, a macro, its type arguments.
NAME = re.compile(r"(?P<path>\w+(?:::\w+)*)(?:!|\(.*\)|<.*>)?")
NAMES_ARE_REAL = "docs/architecture.md"
CHECKLIST = "docs/provider-compatibility.md"
# Tells which files somebody is to add.
FILES_TO_BE = "docs/adding-a-resource.md"


def listed(*patterns):
    """What git knows or would add: neither caches nor build output."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout
    return [name for name in listing.split("\0") if name and (ROOT / name).exists()]


def anchors(path):
    """The anchors that GitHub gives to the headings of a file."""
    found, seen = set(), {}
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", FENCE.sub("", path.read_text("utf-8")), re.M):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = seen[slug] = seen.get(slug, -1) + 1
        found.add(f"{slug}-{count}" if count else slug)
    found.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", path.read_text("utf-8")))
    return found


def wrong_links(path):
    text = CODE.sub("", FENCE.sub("", path.read_text("utf-8")))
    for target in LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        base = ROOT if name.startswith("/") else path.parent
        there = (base / name.lstrip("/")).resolve() if name else path
        if not there.exists():
            yield f"{target}: no such file"
        elif anchor and there.suffix == ".md" and anchor not in anchors(there):
            yield f"{target}: no such heading"


class Sources:
    """The repository's sources, by path, and the words that name something in them."""

    def __init__(self):
        self.files = listed("*.rs", "*.sh", "*.py", "*.toml", "*.sql")
        rust = [name for name in self.files if name.endswith(".rs")]
        self.text = {name: (ROOT / name).read_text("utf-8") for name in rust}
        rust = "\n".join(self.text.values())
        tables = "\n".join((ROOT / name).read_text("utf-8") for name in self.files if name.endswith(".sql"))
        items = re.findall(r"\b(?:fn|struct|enum|trait|type|mod|const|static|macro_rules!)\s+(\w+)", rust)
        fields, texts = re.findall(r"\b(\w+):\s", rust), re.findall(r'"(\w+)"', rust)
        self.defined = {*items, *fields, *texts, *re.findall(r"CREATE TABLE (\w+)", tables)}
        self.words = set(re.findall(r"\w+", rust))

    def ending_in(self, file):
        return [name for name in self.files if f"/{name}".endswith(f"/{file}")]

    def has_word(self, files, word):
        return any(re.search(rf"\b{word}\b", self.text.get(name, "")) for name in files)

    def has_name(self, path):
        """A path is as real as its parts. A small word alone is a name only where something is called so."""
        *before, last = path.split("::")
        if not before and last.islower() and "_" not in last:
            return True
        return all(part in self.words for part in before) and (last in self.defined or last[0].isupper() and last in self.words)


def wrong_names(path, sources):
    page = str(path.relative_to(ROOT))
    for token in CODE.findall(FENCE.sub("", path.read_text("utf-8"))):
        if source := SOURCE.fullmatch(token):
            there = sources.ending_in(source["file"])
            if not there and page != FILES_TO_BE:
                yield f"`{token}`: no such file in the repository"
            elif there and source["name"] and not sources.has_word(there, source["name"]):
                yield f"`{token}`: no such name in that file"
        elif page == NAMES_ARE_REAL and (name := NAME.fullmatch(token)) and not sources.has_name(name["path"]):
            yield f"`{token}`: no such name in the code"


def wrong_checklist(sources):
    """Numbers without a test, tests that the page leaves out, and tests that only the page has."""
    held = {name for text in sources.text.values() for name in re.findall(r"fn (checklist_\d\d_\w+)", text)}
    told = set(re.findall(r"`(checklist_\d\d_\w+)`", (ROOT / CHECKLIST).read_text("utf-8")))
    yield from (f"{CHECKLIST}: no test of number {n}" for n in range(1, 44) if not any(f"checklist_{n:02}_" in name for name in held))
    yield from (f"{CHECKLIST}: `{name}` is missing" for name in sorted(held - told))
    yield from (f"{CHECKLIST}: `{name}`: no such test" for name in sorted(told - held))


def main():
    sources = Sources()
    bad = list(wrong_checklist(sources))
    for name in listed("*.md"):
        path = ROOT / name
        bad += [f"{name}: {fault}" for fault in (*wrong_links(path), *wrong_names(path, sources))]
    print("\n".join(bad), file=sys.stderr, end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
