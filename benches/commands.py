"""(g): stages with commands, beside BuildKit and buildah, on one Debian root of about 100 MB, on disk.

The tools are Debian's, unpacked by kiln and run with that as their root, in a mount namespace that is made once. BuildKit
is the one in dockerd, with its own client, buildx; kiln also writes its layout, both bills of materials and signatures.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOOLS = """
kiln 1
apt "sid" { suite "sid" check-valid-until=#false }
image "tools.bench/peers" {
    packages "sid" {
        add "base-passwd" "buildah" "busybox-static" "coreutils" "crun" "docker-buildx" "docker-cli" "docker.io" "netavark"
        ignore-depends "docker.io" "debconf" "debconf-2.0" "iptables" "systemd" "systemd-standalone-sysusers" \\
            "systemd-sysusers" "sysvinit-utils"
        scripts "skip" "containerd" "docker.io"
    }
    mkdir "/dev" "/proc" "/run" "/sys" "/var/tmp" "/work"
    mkdir "/tmp" mode="1777"
}
"""

ROOT = """
kiln 1
apt "debian" { suite "trixie" }
image "bench.test/root" {
    packages "debian" {
        add "base-passwd" "bash" "binutils" "ca-certificates" "coreutils" "curl" "dash" "grep" "python3" "sed"
    }
    mkdir "/dev" "/proc" "/sys" "/run"
    mkdir "/tmp" mode="1777"
    user 0
}
"""

ONE = """
kiln 1
arg "n"
source "root" { oci "root" }
source "files" { context "files" }
image "bench.test/one" {
    base "root"
    env N="${n}"
    run "echo $N > /made"
    copy "." from="files" to="/files/"
}
"""

ONE_DOCKERFILE = "FROM bench.test/root:1\nARG N\nRUN echo $N > /made\nCOPY files /files/\n"

FAN = 16

# In this namespace the tools run; the holder ends with its standard input.
HOLDER = """
root=$1
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
echo ready
exec cat
"""


def fan_spec():
    lines = ["kiln 1", 'arg "n"', 'source "root" { oci "root" }']
    for i in range(FAN):
        lines.append(f'stage "s{i}" {{\n    base "root"\n    env N="${{n}}"\n    run "echo {i} $N > /out-{i}"\n}}')
    copies = "".join(f'    copy "/out-{i}" from="s{i}" to="/"\n' for i in range(FAN))
    return "\n".join(lines) + f'\nimage "bench.test/fan" {{\n    base "root"\n{copies}}}\n'


def fan_dockerfile():
    stages = "".join(f"FROM bench.test/root:1 AS s{i}\nARG N\nRUN echo {i} $N > /out-{i}\n" for i in range(FAN))
    return stages + "FROM bench.test/root:1\n" + "".join(f"COPY --from=s{i} /out-{i} /\n" for i in range(FAN))


class Peers:
    """The tools in their root."""

    def __init__(self, root):
        self.root = root
        command = ["unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-ec", HOLDER, "sh", str(root)]
        self.holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            sys.exit("the tools' namespace cannot be made: run this as root")

    def command(self, *arguments):
        inside = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--", "chroot", self.root]
        variables = ["env", "-i", "HOME=/work", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=/work"]
        return [*inside, *variables, *map(str, arguments)]

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()


@contextlib.contextmanager
def dockerd(peers, *more, name="docker"):
    """A daemon that keeps all that it has under this name."""
    flags = [f"--data-root=/work/{name}", f"--exec-root=/work/exec-{name}", "--host=unix:///work/docker.sock", "--pidfile=/work/pid"]
    network = ["--iptables=false", "--ip6tables=false", "--bridge=none"]
    log = tempfile.TemporaryFile()
    daemon = subprocess.Popen(peers.command("dockerd", *flags, *network, *more), stdout=log, stderr=log)
    try:
        version = peers.command("docker", "-H", "unix:///work/docker.sock", "version")
        for _ in range(300):
            if subprocess.run(version, capture_output=True).returncode == 0:
                break
            time.sleep(0.2)
        else:
            log.seek(0)
            sys.exit(f"dockerd does not answer:\n{log.read().decode(errors='replace')}")
        yield
    finally:
        # It ends its containerd only when asked to.
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()


def commands(bench):
    target = pathlib.Path(__file__).resolve().parent.parent / "target"
    with tempfile.TemporaryDirectory(prefix="bench-commands-", dir=target) as folder:
        folder = pathlib.Path(folder)
        tools, root = folder / "tools", folder / "root"
        # Kept, with the packages in it.
        environment = bench.environment(target / "bench-store")

        def spec(name, text):
            place = folder / f"spec-{name}"
            place.mkdir()
            (place / "kiln.kdl").write_text(text)
            return place

        def kiln(place, *options):
            return [bench.kiln, "build", place, "--progress", "quiet", *options]

        bench.run(kiln(spec("tools", TOOLS), "-o", f"tree:{tools}"), environment)
        archive = tools / "work/root.tar"
        outputs = ("-o", f"oci:{root}", "-o", f"docker-archive:{archive}", "-t", "bench.test/root:1")
        bench.run(kiln(spec("root", ROOT), *outputs), environment)
        peers = Peers(tools)
        try:
            with dockerd(peers):
                load = peers.command("docker", "-H", "unix:///work/docker.sock", "load", "-q", "-i", "/work/root.tar")
                loads = {"kiln": 0, "BuildKit": bench.run(load)[0]}
                buildah = ("buildah", "--root=/work/buildah", "--runroot=/run/buildah", "--storage-driver=overlay")
                pull = peers.command(*buildah, "pull", "-q", "docker-archive:/work/root.tar")
                loads["buildah"] = bench.run(pull)[0]
                size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file())
                bench.row("g", "the root, compressed", size / 1e6, "MB")
                for name, text, dockerfile in (("one", ONE, ONE_DOCKERFILE), ("fan", fan_spec(), fan_dockerfile())):
                    compare(bench, name, folder, tools, text, dockerfile, peers, buildah, loads)
        finally:
            peers.close()


def compare(bench, name, folder, tools, text, dockerfile, peers, buildah, loads):
    """The same steps in all tools: cold, with what it took to load the root; all of them again, nothing changed, and one file
    changed. kiln reads the root as a part of its build."""
    ours, theirs = folder / name, tools / "work" / name
    for place in (ours, theirs):
        (place / "files").mkdir(parents=True)
        for i in range(300):
            (place / f"files/{i}").write_text(f"file {i}\n" * 100)
    shutil.copytree(folder / "root", ours / "root", copy_function=os.link)
    (ours / "kiln.kdl").write_text(text)
    (theirs / "Dockerfile").write_text(dockerfile)
    environment = bench.environment(folder / f"store-{name}")

    def kiln(n):
        return [bench.kiln, "build", ours, "--progress", "quiet", "--arg", f"n={n}", "-o", f"oci:{ours}/out"], environment

    def buildkit(n):
        build = ("docker", "-H", "unix:///work/docker.sock", "buildx", "build", "-q", "--network=host", "--provenance=false")
        return peers.command(*build, "--build-arg", f"N={n}", "-t", f"bench.test/{name}:1", f"/work/{name}"), None

    def with_buildah(n):
        build = ("build", "-q", "--layers", "--isolation=chroot", "--network=host", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
        arguments = ("--build-arg", f"N={n}", "-t", f"bench.test/{name}:1", f"/work/{name}")
        return peers.command(*buildah, *build, *arguments), None

    all_tools = {"kiln": kiln, "BuildKit": buildkit, "buildah": with_buildah}
    times = {tool: {"again": [], "unchanged": [], "changed": []} for tool in all_tools}
    cold = {tool: loads[tool] + bench.run(*command(0))[0] for tool, command in all_tools.items()}
    for run in range(1, bench.runs + 1):
        # Tools take turns, so that what else the machine does meets all of them.
        for tool, command in all_tools.items():
            times[tool]["again"].append(bench.run(*command(run))[0])
            times[tool]["unchanged"].append(bench.run(*command(run))[0])
            for place in (ours, theirs):
                (place / "files/7").write_text(f"{tool} {run}\n")
            times[tool]["changed"].append(bench.run(*command(run))[0])
    what = {"one": "one command and one copy", "fan": f"{FAN} stages with a command each"}[name]
    tell(bench, what, "cold, the root's archive or layout on disk", cold)
    promised = {"again": "kiln below 0.10", "unchanged": "kiln below 0.02", "changed": "kiln below 0.06"}
    for kind, title in (("again", "commands run again"), ("unchanged", "nothing changed"), ("changed", "one file changed")):
        if name == "fan" and kind == "changed":
            continue
        medians = {tool: statistics.median(times[tool][kind]) for tool in all_tools}
        tell(bench, what, title, medians, promised[kind] if name == "one" else "")


def tell(bench, what, title, seconds, promised=""):
    for tool, time_taken in seconds.items():
        bench.row("g", f"{tool}, {what}, {title}", time_taken, "s", promised if tool == "kiln" else "")
    fastest = min(time_taken for tool, time_taken in seconds.items() if tool != "kiln")
    bench.row("g", f"kiln to the fastest other, {what}, {title}", seconds["kiln"] / fastest, "times", "below 1")
