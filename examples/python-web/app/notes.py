"""Notes that live as long as the process: an application in Flask."""

from flask import Flask, abort, jsonify, request


def create_app():
    app = Flask(__name__)
    notes = {}

    @app.get("/notes")
    def everything():
        return jsonify([{"id": number, "text": text} for number, text in notes.items()])

    @app.post("/notes")
    def add():
        text = (request.get_json(silent=True) or {}).get("text")
        if not isinstance(text, str) or not text.strip():
            abort(400, "a note has a text")
        number = max(notes, default=0) + 1
        notes[number] = text.strip()
        return jsonify(id=number, text=notes[number]), 201

    @app.delete("/notes/<int:number>")
    def remove(number):
        if notes.pop(number, None) is None:
            abort(404)
        return "", 204

    return app
