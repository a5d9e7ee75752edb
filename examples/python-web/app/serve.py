"""Serves the application until it is stopped."""

import os

from notes import create_app
from waitress import serve

if __name__ == "__main__":
    serve(create_app(), host="0.0.0.0", port=int(os.environ.get("PORT", "8080")))
