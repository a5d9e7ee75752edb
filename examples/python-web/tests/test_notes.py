import pytest
from notes import create_app


@pytest.fixture
def client():
    return create_app().test_client()


def test_there_are_none_at_first(client):
    assert client.get("/notes").get_json() == []


def test_a_note_is_kept_until_it_is_removed(client):
    made = client.post("/notes", json={"text": " milk "})
    assert (made.status_code, made.get_json()) == (201, {"id": 1, "text": "milk"})
    assert client.get("/notes").get_json() == [{"id": 1, "text": "milk"}]
    assert client.delete("/notes/1").status_code == 204
    assert client.delete("/notes/1").status_code == 404


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": 7}, []])
def test_what_is_no_note_is_refused(client, body):
    assert client.post("/notes", json=body).status_code == 400
