"""A web application that says hello, and says whether it is well."""

import os
import sys
import urllib.request
from pathlib import Path

from bottle import Bottle, run, static_file

HERE = Path(__file__).resolve().parent
PORT = int(os.environ.get("PORT", "8080"))

app = Bottle()


@app.get("/")
def page():
    return static_file("index.html", root=HERE / "static")


@app.get("/greeting")
def greeting():
    return static_file("greeting.txt", root=HERE, mimetype="text/plain")


@app.get("/healthz")
def healthz():
    return "well\n"


def check():
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=2) as answer:
        return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(check())
    run(app, host="0.0.0.0", port=PORT, quiet=True)
