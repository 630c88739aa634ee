#!/usr/bin/env python3
"""Runs the catalogue against the example worker of each language, and writes the table of verdicts into README.md.

Build the workers first, as their READMEs say. Needs nothing but Python and cargo; takes about six minutes on two cores.
"""

import argparse
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
README = HERE / "README.md"
BEGIN = "<!-- languages: written by `python3 scenarios/languages.py` -->"
END = "<!-- languages: end -->"
# How many scenarios run at once: each start of such a worker keeps a core busy for a while.
LANGUAGES = {"rust": 8, "python": 4, "typescript": 2, "go": 4, "java": 3}


def report(command, language, jobs, slow):
    """The JSON report of a run against one language's worker."""
    order = [*command, "run", "--format", "json", "-j", str(jobs)]
    if language != "rust":
        order += ["--target", str(HERE / "workers" / language / "tokenlapse.yaml")]
    if slow:
        order.append("--slow")
    done = subprocess.run(order, cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        sys.exit(f"{language}: no report (exit code {done.returncode}); see what it said above")
    if answer["error"]:
        sys.exit(f"{language}: {answer['error']['message']}")
    return answer


def table(reports):
    """The table as Markdown lines, with a numbered reason for each verdict that is not `pass`."""
    reasons = []
    rows = {}
    for language, answer in reports.items():
        for run in answer["scenarios"]:
            # Controls are runs without faults, by which the others are measured.
            if run["family"] == "control":
                continue
            cell = run["verdict"]
            if cell != "pass":
                reason = f"{run['id']}, {language}: {run['reason']}"
                if reason not in reasons:
                    reasons.append(reason)
                cell = f"{cell} ({reasons.index(reason) + 1})"
            rows.setdefault(run["id"], {})[language] = cell
    yield "| scenario | " + " | ".join(reports) + " |"
    yield "|---" * (len(reports) + 1) + "|"
    for scenario in sorted(rows):
        yield f"| `{scenario}` | " + " | ".join(rows[scenario].get(it, "") for it in reports) + " |"
    if reasons:
        yield ""
        yield from (f"{number}. {reason}" for number, reason in enumerate(reasons, 1))


def write(lines):
    """Puts the lines between the marks of README.md, by renaming."""
    text = README.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    if not found:
        sys.exit(f"{README} lacks the line {BEGIN}")
    aside = README.with_suffix(".md.new")
    aside.write_text(before + "\n".join([BEGIN, "", *lines, "", END]) + after, encoding="utf-8")
    aside.replace(README)


def main():
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"of {', '.join(LANGUAGES)}; default: all")
    arguments.add_argument("--tokenlapse", metavar="PATH", help="the command; default: built from this checkout")
    arguments.add_argument("--slow", action="store_true", help="with the slow scenarios")
    arguments.add_argument("--print", action="store_true", help="to standard output instead of README.md")
    given = arguments.parse_args()
    unknown = [it for it in given.languages if it not in LANGUAGES]
    if unknown:
        arguments.error(f"no example worker in {unknown[0]}; there are {', '.join(LANGUAGES)}")
    command = [given.tokenlapse] if given.tokenlapse else ["cargo", "run", "--locked", "--quiet", "--"]
    chosen = given.languages or list(LANGUAGES)
    lines = list(table({it: report(command, it, LANGUAGES[it], given.slow) for it in chosen}))
    if given.print:
        print("\n".join(lines))
    else:
        write(lines)


if __name__ == "__main__":
    main()
