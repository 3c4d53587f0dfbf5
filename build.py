#!/usr/bin/env python3
"""The contributor's one tool. `python3 build.py` shows what it can do.

The upper part runs under any Python 3.6 or newer: it looks for a Python that Volundr can use and goes on there.
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
NEEDED = (3, 12)
NAMES = ["python3.14", "python3.13", "python3.12", "python3", "python"]
PROBE = "import sys, ensurepip; sys.exit(sys.version_info < (3, 12))"
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
AGENTS = os.path.join("tests", "agents")
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

DOCUMENT = """
import json, volundr.document
print(json.dumps(volundr.document.openapi_document(), indent=1, sort_keys=True, ensure_ascii=False))
"""

HELP = """Usage: python3 build.py COMMAND [ARGUMENTS]

  up      prepare .venv and run `volundr up` (with ARGUMENTS)
  check   format, lint, types, layers, house rules
  test    the whole test suite (ARGUMENTS go to pytest)
  ui      build the web UI into webui_dist/
  types   write docs/reference/openapi.json and the web UI's types from the API
  bench   measure (ARGUMENTS choose: names of files in tests/bench)
  lock    write requirements.txt and requirements-dev.txt anew from pyproject.toml"""


class Stop(Exception):
    """What is missing, in one sentence."""


def usable(python):
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.run([python, "-c", PROBE], timeout=20, check=False, **silent).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def candidates():
    """Pythons that may be new enough, most likely first."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            yield path
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for path in sorted(glob.glob(os.path.join(pyenv, "versions", "3.*", "bin", "python")), reverse=True):
        yield path
    uv = shutil.which("uv")
    if uv:
        found = subprocess.run([uv, "python", "find", ">=3.12"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        if found.returncode == 0:
            yield found.stdout.decode().strip()


def find_python():
    if sys.version_info >= NEEDED and usable(sys.executable):
        return sys.executable
    for path in candidates():
        if usable(path):
            return path
    raise Stop(
        "Volundr needs Python 3.12 or newer with venv, and found none on PATH, in pyenv's folder or through uv: "
        "install one, for example `sudo apt install python3.12-venv`, `brew install python@3.13` or `uv python install 3.13`."
    )


def run(argv, cwd=ROOT, env=None):
    """Run a program; when it fails, end with its exit code. What it printed says why."""
    done = subprocess.run([str(part) for part in argv], cwd=cwd, env=env, check=False)
    if done.returncode:
        raise SystemExit(done.returncode if done.returncode > 0 else 128 - done.returncode)


def missing(what, how):
    """A part that a full run needs: an error where nobody would read a hint, else a hint."""
    if CI:
        raise Stop("{} is missing: {}".format(what, how))
    print("{} is missing, so the tests that need it are skipped. {}".format(what, how), file=sys.stderr)


# --- .venv ------------------------------------------------------------------------------------------------------------


def prepare(requirements):
    """Make .venv as the lock says, if it is not so already. requirements-dev.txt contains requirements.txt."""
    wanted = "\n".join([digest(requirements), "{}.{}".format(*sys.version_info[:2]), ROOT])
    mark = os.path.join(VENV, "volundr-" + requirements)
    if os.path.exists(PYTHON) and wanted in read(mark):
        return
    print("Preparing .venv from {} …".format(requirements), file=sys.stderr)
    if not usable(PYTHON):
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", VENV])
    # binary packages only: nothing here needs a compiler
    install = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
    run([*install, "--only-binary", ":all:", "-r", os.path.join(ROOT, requirements)])
    introduce()
    write(mark, wanted)
    if requirements == "requirements-dev.txt":  # it holds the same versions and more
        write(os.path.join(VENV, "volundr-requirements.txt"), wanted.replace(digest(requirements), digest("requirements.txt")))


def introduce():
    """Make the checkout and its plugins importable in .venv, and `volundr` a command of it."""
    packages = subprocess.check_output([PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    write(os.path.join(packages.decode().strip(), "volundr.pth"), "{0}\n{0}/plugins\n".format(ROOT))
    command = os.path.join(VENV, "bin", "volundr")
    write(command, "#!{} -P\nfrom volundr.__main__ import main\n\nmain()\n".format(PYTHON))
    os.chmod(command, 0o755)


def digest(name):
    with open(os.path.join(ROOT, name), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


# --- commands ---------------------------------------------------------------------------------------------------------


def up(arguments):
    prepare("requirements.txt")
    os.execv(PYTHON, [PYTHON, "-P", "-m", "volundr", "up", *arguments])


def check(arguments):
    prepare("requirements-dev.txt")
    npm = shutil.which("npm")
    if npm is None:
        missing("npm", "Install Node.js 20 or newer with npm, for the rules about the web UI.")
    else:
        install_node(npm, "webui")
    sources = ["volundr", "plugins", "tests", "build.py"]
    for tool in (["ruff", "format", "--check", *sources], ["ruff", "check", *sources], ["mypy"], ["mypy", "tests"]):
        run([PYTHON, "-m", *tool])
    run([os.path.join(VENV, "bin", "lint-imports"), "--no-cache"])
    run([PYTHON, "-m", "pytest", "tests/rules", *arguments])


def test(arguments):
    prepare("requirements-dev.txt")
    if not (shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")):
        missing("Chromium", "Install it: sudo apt install chromium")
    npm = shutil.which("npm")
    if npm is None:
        missing("npm", "Install Node.js 20 or newer with npm, for the tests of the web UI and of the real agents.")
    else:
        install_node(npm, AGENTS)
        install_node(npm, "webui")
    environment = dict(os.environ)
    with Postgres() as url:
        if url:
            environment["VOLUNDR_TEST_POSTGRES"] = url
        run([PYTHON, "-m", "pytest", *arguments], env=environment)


def ui(arguments):
    npm = need_npm()
    install_node(npm, "webui")
    run([npm, "run", "build", *arguments], cwd=os.path.join(ROOT, "webui"))


def types(arguments):
    del arguments
    prepare("requirements.txt")
    document = subprocess.check_output([PYTHON, "-c", DOCUMENT], cwd=ROOT)
    write(os.path.join(ROOT, "docs", "reference", "openapi.json"), document.decode())
    npm = need_npm()
    install_node(npm, "webui")
    run([npm, "run", "types"], cwd=os.path.join(ROOT, "webui"))


def bench(arguments):
    prepare("requirements-dev.txt")
    found = sorted(glob.glob(os.path.join(ROOT, "tests", "bench", "*.py")))
    names = [os.path.splitext(os.path.basename(path))[0] for path in found]
    chosen = [name for name in names if not name.startswith("_") and (not arguments or name in arguments)]
    if not chosen:
        raise Stop("There is no such measurement; there are: {}.".format(", ".join(names)))
    environment = dict(os.environ)
    with Postgres() as url:
        if url:
            environment["VOLUNDR_TEST_POSTGRES"] = url
        for name in chosen:
            run([PYTHON, "-m", "tests.bench." + name], env=environment)


def lock(arguments):
    prepare("requirements-dev.txt")
    common = [PYTHON, "-m", "uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.12"]
    common += ["--generate-hashes", "--no-emit-index-url", "--quiet", *arguments]
    environment = dict(os.environ, UV_CUSTOM_COMPILE_COMMAND="python3 build.py lock")
    run([*common, "--group", "dev", "-o", "requirements-dev.txt"], env=environment)
    run([*common, "-c", "requirements-dev.txt", "-o", "requirements.txt"], env=environment)


# --- Node -------------------------------------------------------------------------------------------------------------


def need_npm():
    npm = shutil.which("npm")
    if npm is None:
        raise Stop("Building the web UI needs Node.js 20 or newer with npm; running Volundr does not.")
    return npm


def install_node(npm, folder):
    """What the lock file says, unless what is there was installed from this very one.

    `npm ci` refuses a lock file without every optional package of every platform, and not every registry has those of the
    agents. `npm install` takes the same versions, checks the same hashes, and leaves out what is optional.
    """
    mark = os.path.join(ROOT, folder, "node_modules", ".volundr-lock")
    wanted = digest(os.path.join(folder, "package-lock.json"))
    if read(mark) == wanted:
        return
    how = ["install", "--no-save"] if folder == AGENTS else ["ci"]
    run([npm, *how, "--no-audit", "--no-fund", "--loglevel=error"], cwd=os.path.join(ROOT, folder))
    write(mark, wanted)


# --- Postgres ---------------------------------------------------------------------------------------------------------


class Postgres:
    """A database server for the tests alone: made, used over a Unix socket's folder and a port of its own, removed."""

    def __init__(self):
        self.folder = None
        self.user = []

    def __enter__(self):
        given = os.environ.get("VOLUNDR_TEST_POSTGRES")
        binaries = postgres_binaries()
        if given or binaries is None:
            if not given:
                missing("PostgreSQL", "Install it: sudo apt install postgresql")
            return given
        import tempfile

        self.binaries = binaries
        self.folder = tempfile.mkdtemp(prefix="volundr-pg-")
        if os.geteuid() == 0:  # postgres refuses to run as root
            self.become("postgres", "nobody")
        data = os.path.join(self.folder, "data")
        self.call("initdb", "-D", data, "-U", "volundr", "-A", "trust", "-E", "UTF8", "--no-sync")
        port = free_port()
        options = "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} -c fsync=off".format(port, self.folder)
        log = os.path.join(self.folder, "log")
        self.call("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
        return "postgresql://volundr@127.0.0.1:{}/postgres".format(port)

    def __exit__(self, *_):
        if self.folder is None:
            return
        try:
            self.call("pg_ctl", "-D", os.path.join(self.folder, "data"), "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def become(self, *names):
        import pwd

        for name in names:
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            self.user = [name]
            os.chown(self.folder, found.pw_uid, found.pw_gid)
            return

    def call(self, program, *arguments):
        argv = [os.path.join(self.binaries, program), *arguments]
        extra = {"user": self.user[0], "group": group_of(self.user[0]), "extra_groups": []} if self.user else {}
        extra.update(cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        done = subprocess.run(argv, check=False, **extra)
        if done.returncode:
            raise Stop("The tests' PostgreSQL: {} failed:\n{}".format(program, done.stdout.decode("utf-8", "replace")))


def group_of(user):
    import pwd

    return pwd.getpwnam(user).pw_gid


def postgres_binaries():
    """The folder with initdb and pg_ctl, which Debian does not put on PATH."""
    for folder in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True):
        if os.path.exists(os.path.join(folder, "initdb")):
            return folder
    found = shutil.which("initdb")
    return os.path.dirname(os.path.realpath(found)) if found else None


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


COMMANDS = {"up": up, "check": check, "test": test, "ui": ui, "types": types, "bench": bench, "lock": lock}


def main(argv):
    if len(argv) < 2 or argv[1] not in COMMANDS:
        print(HELP)
        return 0 if len(argv) < 2 or argv[1] in ("-h", "--help", "help") else 2
    try:
        python = find_python()
        if python != sys.executable:
            os.execv(python, [python, os.path.abspath(__file__), *argv[1:]])
        COMMANDS[argv[1]](argv[2:])
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
