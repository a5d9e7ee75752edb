"""(h): commands in a BuildKit daemon, for kiln and for its own client: the same steps, the same root, the same daemon.

The daemon is Docker 28's with containerd's image store, in its own root, as in (g).
"""

import os
import pathlib
import shutil
import statistics
import tempfile

from commands import ONE, ONE_DOCKERFILE, ROOT, TOOLS, Peers, dockerd

NEW_STORE = "--feature=containerd-snapshotter=true"
ONE_OF_EACH = "one command and one copy"
FILES, MB = 5000, 200

# Pairs of rounds for what happens once to a daemon.
ROUNDS = 3

SYNC = """
kiln 1
arg "n"
source "root" { oci "root" }
source "files" { context "files" }
stage "s" {
    base "root"
    mount "files" to="/in"
    env N="${n}"
    run "echo $N > /made"
}
image "bench.test/sync" { copy "/made" from="s" to="/made" }
"""

SYNC_DOCKERFILE = "FROM bench.test/root:1\nARG N\nRUN --mount=type=bind,source=files,target=/in echo $N > /made\n"


def daemons(bench):
    target = pathlib.Path(__file__).resolve().parent.parent / "target"
    with tempfile.TemporaryDirectory(prefix="bench-daemons-", dir=target) as folder:
        folder = pathlib.Path(folder)
        tools, root = folder / "tools", folder / "root"
        environment = bench.environment(target / "bench-store")
        for name, text, outputs in (
            ("tools", TOOLS, ("-o", f"tree:{tools}")),
            ("root", ROOT, ("-o", f"oci:{root}", "-o", f"docker-archive:{tools}/work/root.tar", "-t", "bench.test/root:1")),
        ):
            place = folder / f"spec-{name}"
            place.mkdir()
            (place / "kiln.kdl").write_text(text)
            bench.run([bench.kiln, "build", place, "--progress", "quiet", *outputs], environment)
        peers = Peers(tools)
        try:
            one = Project(bench, "one", folder, tools, peers, ONE, ONE_DOCKERFILE)
            for i in range(300):
                one.write(str(i), f"file {i}\n".encode() * 100)
            cold(bench, one)
            with dockerd(peers, NEW_STORE):
                warm(bench, one)
                sync(bench, folder, tools, peers)
        finally:
            peers.close()


class Project:
    """The same files for both, and what builds them."""

    def __init__(self, bench, name, folder, tools, peers, text, dockerfile):
        self.bench, self.name, self.peers = bench, name, peers
        self.ours, self.theirs = folder / name, tools / "work" / name
        for place in (self.ours, self.theirs):
            (place / "files").mkdir(parents=True)
        shutil.copytree(folder / "root", self.ours / "root", copy_function=os.link)
        (self.ours / "kiln.kdl").write_text(text)
        (self.theirs / "Dockerfile").write_text(dockerfile)
        self.store = folder / f"store-{name}"
        self.environment = bench.environment(self.store, DOCKER_HOST=f"unix://{tools}/work/docker.sock")

    def write(self, path, content):
        for place in (self.ours, self.theirs):
            (place / "files" / path).parent.mkdir(parents=True, exist_ok=True)
            (place / "files" / path).write_bytes(content)

    def kiln(self, n, engine="buildkit:docker://"):
        options = ("--progress", "quiet", "--engine", engine, "--arg", f"n={n}", "-o", f"oci:{self.ours}/out")
        return self.bench.run([self.bench.kiln, "build", self.ours, *options], self.environment)

    def buildx(self, n):
        build = ("docker", "-H", "unix:///work/docker.sock", "buildx", "build", "-q", "--network=host", "--provenance=false")
        arguments = ("--build-arg", f"N={n}", "-t", f"bench.test/{self.name}:1", f"/work/{self.name}")
        return self.bench.run(self.peers.command(*build, *arguments))


def load(project):
    """Docker's own way to have the root, from its archive."""
    return project.bench.run(project.peers.command("docker", "-H", "unix:///work/docker.sock", "load", "-q", "-i", "/work/root.tar"))[0]


def cold(bench, project):
    """Each build in a daemon and a store that have nothing. Nothing is deleted before the end: ext4 is slow where files were
    deleted in the last minutes."""
    builds = {"kiln": lambda n: project.kiln(n)[0], "buildx": lambda n: load(project) + project.buildx(n)[0]}
    times = {tool: [] for tool in builds}
    for run in range(2 * ROUNDS):
        for tool in sorted(builds, reverse=run % 2 == 1):
            project.environment["KILN_STORE"] = f"{project.store}-{run}"
            with dockerd(project.peers, NEW_STORE, name=f"cold-{tool}-{run}"):
                # The first round finds all of the machine cold, and does not count.
                times[tool] += [builds[tool](f"cold {run}")][: run]
    tell(bench, f"{ONE_OF_EACH}, cold, the root's archive or layout on disk", times)


def warm(bench, project):
    """The same steps for both, which take turns."""
    project.environment["KILN_STORE"] = project.store
    load(project)
    builds = {"kiln": project.kiln, "buildx": project.buildx}
    times = {tool: {"again": [], "unchanged": [], "changed": []} for tool in builds}
    project.kiln("warm")
    for run in range(1, bench.runs + 1):
        for tool, build in builds.items():
            times[tool]["again"].append(build(run)[0])
            times[tool]["unchanged"].append(build(run)[0])
            project.write("7", f"{tool} {run}\n".encode())
            times[tool]["changed"].append(build(run)[0])
    for kind, title in (("again", "commands run again"), ("unchanged", "nothing changed"), ("changed", "one file changed")):
        tell(bench, f"{ONE_OF_EACH}, {title}", {tool: times[tool][kind] for tool in builds})


def sync(bench, folder, tools, peers):
    """What a command takes more for a mounted context that the daemon lacks, or of which it lacks one file."""
    first, same, changed, peak = ({"kiln": [], "buildx": []} for _ in range(4))
    for run in range(2 * ROUNDS):
        # One that the daemon has never seen, under a name that it has never seen.
        project = Project(bench, f"sync-{run}", folder, tools, peers, SYNC.replace("echo", f": {run}; echo"), SYNC_DOCKERFILE)
        for i in range(FILES):
            project.write(f"{i % 50}/{i}", os.urandom(MB * 1_000_000 // FILES))
        # The context is in kiln's store, as if built before.
        project.kiln("own", engine="embedded")
        builds = {"kiln": project.kiln, "buildx": project.buildx}
        for tool in sorted(builds, reverse=run % 2 == 1):
            seconds, memory = builds[tool](0)
            first[tool] += [seconds][: run]
            peak[tool].append(memory)
    for run in range(bench.runs):
        for tool, build in builds.items():
            same[tool].append(build(f"same {run}")[0])
            project.write("7/7", os.urandom(MB * 1_000_000 // FILES))
            changed[tool].append(build(f"changed {run}")[0])
    what = f"a mounted context of {FILES} files and {MB} MB"
    tell(bench, f"{what}, first", first)
    tell(bench, f"{what}, one file changed", changed)
    first, same, changed = (statistics.median(times["kiln"]) for times in (first, same, changed))
    bench.row("h", f"kiln, {what}: rate of the first transfer", MB / (first - same), "MB/s")
    ratio = max(changed - same, 0) / (first - same)
    bench.row("h", "one file changed to all, without what the command takes itself", ratio, "times", "below 0.1")
    bench.row("h", f"peak memory of kiln, {what}", max(peak["kiln"]), "MB", "below 150")


def tell(bench, what, times):
    medians = {tool: statistics.median(of_tool) for tool, of_tool in times.items()}
    for tool, seconds in medians.items():
        bench.row("h", f"{tool}, {what}", seconds, "s")
    bench.row("h", f"kiln to buildx, {what}", medians["kiln"] / medians["buildx"], "times", "no slower: 1")
