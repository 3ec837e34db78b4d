"""What scripts/check_docs checks beside figures: keys, options, paths and links that the documents name."""
import re

from bench import PROJECT

KEY_ROW = re.compile(r"^\| `(\w+)` \|([^|\n]*)\|(?:([^|\n]*)\|)?", re.M)
RANGE = r"[\d.]+(?:\.\.[\d.^]+| or more)"
ENERGY_ROW = re.compile(r"^\| [^|]+ \| `(\w+)` \| ([`\w, ]+) \| [^|]+ \| ([\d.]+) \|$", re.M)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
FOLDERS = "common|qnet|quantizer|sim|rtl|configs|models|tests|scripts|docs|cmake"
REPOSITORY_PATH = re.compile(rf"`((?:{FOLDERS})/[\w./*-]*)`")
COMMAND = re.compile(r"^(?:    )?(?:\./)?(quantrun|simrun sweep|simrun|scripts/\w+)((?: .*)?)$", re.M)
OPTION = re.compile(r"(?<=\s)(--[a-z][a-z-]*)")


def printed_keys(text):
    """{section.key: (value, range)} of simrun --print-config."""
    keys, section = {}, ""
    for line in text.splitlines():
        head = re.match(r"(\w+):\s*(?:#.*)?$", line)
        item = re.match(r"( *)(\w+): (.*?)\s*(?:# (?:([^:]*): .*)?)?$", line)
        if head:
            section = head[1] + "."
        elif item:
            keys[(section if item[1] else "") + item[2]] = item[3], item[4] or ""
    return keys


def check_configuration(bench, documents):
    """docs/configuration.md has every key that simrun knows, no other, its default and its range."""
    name = PROJECT / "docs/configuration.md"
    printed = printed_keys(bench.run("simrun", "--config", PROJECT / "configs/pe16x16.yaml", "--print-config"))
    found = {}
    for part in re.split(r"^## ", documents[name], flags=re.M)[1:]:
        section = re.match(r"`(\w+)`", part)
        if section or part.startswith("Top level"):
            for row in KEY_ROW.finditer(part):
                found[(section[1] + "." if section else "") + row[1]] = row[2].strip(" `"), (row[3] or "").strip(" `")
    found.pop("include", None)  # read before there is a configuration
    for key in sorted(set(printed) - set(found)):
        yield name, f"the key '{key}' is missing"
    for key, (default, span) in found.items():
        if key not in printed:
            yield name, f"simrun has no key '{key}'"
            continue
        value, known = printed[key]
        if re.fullmatch(r"[\d.]+|true|false|cycle", default) and default != value:
            yield name, f"{key}: the default is {value}, found {default}"
        if re.fullmatch(RANGE, span) and span.replace("10^6", "1000000") != known:
            yield name, f"{key}: the range is {known}, found {span}"


def check_energy(bench, documents):
    """Counters of a run, weighed with the table of docs/energy.md, give the energies of the simulator."""
    name = PROJECT / "docs/energy.md"
    report, _ = bench.simulate(bench.example("resnet", "w4a4")[0])
    found = {}
    for component, counters, pj in ENERGY_ROW.findall(documents[name]):
        counts = [sum(layer["events"][counter] for layer in report["layers"]) for counter in re.findall(r"\w+", counters)]
        found[component] = found.get(component, 0) + sum(counts) * float(pj)
    expected = report["energy"]["components_pj"]
    for component in sorted(set(expected) | set(found)):
        ours, theirs = found.get(component), expected.get(component)
        if ours is None or theirs is None:
            yield name, f"the component '{component}' is missing in the {'table' if ours is None else 'report'}"
        elif abs(ours - theirs) > 2e-3 * theirs:  # the table has three digits
            yield name, f"{component}: the table gives {ours:.6g} pJ, the simulator {theirs:.6g} pJ"


def check_commands(bench, documents):
    """Every option of a command in a code block is one of that program's."""
    known = {program: bench.run(program, "--help") for program in ("quantrun", "simrun")}
    # What follows --slurm is sbatch's.
    known["simrun sweep"] = bench.run("simrun", "sweep", "--help")
    for name, text in documents.items():
        for command in COMMAND.finditer(re.sub(r"\\\n\s*", "", text)):
            program = command[1]
            if program not in known:
                script = PROJECT / program
                if not script.exists():
                    yield name, f"there is no {program}"
                    continue
                known[program] = script.read_text() + (known["simrun"] if program == "scripts/run" else "")
            for option in OPTION.findall(command[2].split("   #")[0].split(" --slurm ")[0]):
                if not re.search(rf"{option}\b(?!-)", known[program]):
                    yield name, f"{program} has no option {option}"


def check_paths(bench, documents):
    """Paths of the repository, and links between the documents, exist."""
    for name, text in documents.items():
        for path in REPOSITORY_PATH.findall(text):
            if not any(PROJECT.glob(path.rstrip("/"))):
                yield name, f"there is no {path}"
        for link in LINK.findall(text):
            if not (name.parent / link).exists():
                yield name, f"a link to {link}, which does not exist"


CHECKS = (check_configuration, check_energy, check_commands, check_paths)
