from __future__ import annotations

import datetime as dt
import html

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from seqhub.operations.models import ApiToken, Attention, Event
from seqhub.operations.services.attention import open_attention
from seqhub.operations.services.events import SYSTEM, record_event
from seqhub.operations.services.roles import role_permissions, sync_roles
from seqhub.operations.services.tokens import create_token, find_token
from tests.factories import RootFactory
from tests.staff import staff

pytestmark = pytest.mark.django_db

TOKENS = "/admin/operations/apitoken/"


def make(user: User, **more: object) -> dict[str, object]:
    return {
        "name": "robot",
        "user": user.pk,
        "scopes": ["read"],
        "lives": "30",
        **more,
    }


def test_a_token_is_shown_once() -> None:
    client = staff("manager")
    answer = client.post(f"{TOKENS}add/", make(User.objects.get()))
    text = answer.context["text"]
    assert text in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    token = find_token(text)
    assert token is not None
    assert token.expires_at is not None
    assert token.expires_at - timezone.now() > dt.timedelta(days=29)
    listed = client.get(TOKENS).content.decode()
    assert "robot" in listed
    assert text not in listed
    assert token.digest not in listed


@pytest.mark.parametrize(
    ("scopes", "nextflow", "scripts"),
    [
        (["trace"], True, False),
        (["read"], False, True),
        (["read", "trace"], True, True),
    ],
)
def test_a_token_is_shown_with_what_it_is_good_for(
    scopes: list[str], nextflow: bool, scripts: bool
) -> None:
    client = staff("manager")
    answer = client.post(f"{TOKENS}add/", make(User.objects.get(), scopes=scopes))
    page = answer.content.decode()
    line = f"export TOWER_ACCESS_TOKEN={answer.context['text']}"
    assert (line in page, "curl -H" in page) == (nextflow, scripts)


def test_a_token_is_never_changed() -> None:
    client = staff("manager")
    token, _ = create_token(User.objects.get(), "robot", ["read"], actor=SYSTEM)
    answer = client.post(f"{TOKENS}{token.pk}/change/", {"name": "x", "digest": "y"})
    assert answer["Location"] == TOKENS
    assert client.post(f"{TOKENS}{token.pk}/delete/").status_code == 403
    after = ApiToken.objects.get()
    assert (after.name, after.digest) == (token.name, token.digest)


def test_a_token_is_revoked_after_asking() -> None:
    client = staff("manager")
    token, text = create_token(User.objects.get(), "robot", ["read"], actor=SYSTEM)
    assert client.get(f"{TOKENS}{token.pk}/revoke/").status_code == 200
    assert find_token(text) is not None
    client.post(f"{TOKENS}{token.pk}/revoke/", {"reason": "It leaked."})
    assert find_token(text) is None
    event = Event.objects.get(kind="token_revoked")
    assert (event.actor, event.message) == (
        "manager",
        "Token robot was revoked. It leaked.",
    )


def test_a_manager_makes_no_token_of_an_administrator() -> None:
    client = staff("manager")
    admin = User.objects.create_superuser("admin")
    answer = client.post(f"{TOKENS}add/", make(admin))
    assert "text" not in answer.context
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_tokens_and_users_are_for_managers(role: str) -> None:
    client = staff(role)
    user = User.objects.get()
    token, _ = create_token(user, "robot", ["read"], actor=SYSTEM)
    for page in (TOKENS, f"{TOKENS}add/", "/admin/auth/user/", "/admin/auth/user/add/"):
        assert client.get(page).status_code == 403
    assert client.post(f"{TOKENS}add/", make(user)).status_code == 403
    assert client.post(f"{TOKENS}{token.pk}/revoke/").status_code == 403


def test_a_manager_gives_roles_and_touches_no_administrator() -> None:
    client = staff("manager")
    admin = User.objects.create_superuser("admin")
    user = User.objects.create_user("anna")
    role = Group.objects.get(name="operator")
    page = f"/admin/auth/user/{user.pk}/change/"
    form = {"username": "anna", "is_active": "on", "is_staff": "on", "groups": role.pk}
    client.post(page, {**form, "is_superuser": "on"})
    user.refresh_from_db()
    assert user.is_staff
    assert not user.is_superuser
    assert list(user.groups.all()) == [role]
    for action in ("change", "password", "delete"):
        address = f"/admin/auth/user/{admin.pk}/{action}/"
        assert client.post(address, {"username": "mine"}).status_code == 403
    assert User.objects.filter(username="admin").exists()


def test_attention_is_set_aside_with_a_reason() -> None:
    open_attention("root:7", "missing", "/data is not there.")
    row = Attention.objects.get()
    address = f"/admin/operations/attention/{row.pk}/ignore/"
    assert staff("viewer").post(address, {"reason": "x"}).status_code == 403
    client = staff("operator")
    assert "required" in client.post(address).content.decode()
    client.post(address, {"reason": "The disk is being moved."})
    row.refresh_from_db()
    assert row.ignored_by == "operator"
    listed = "/admin/operations/attention/"
    assert "/data is not there." not in client.get(listed).content.decode()
    aside = client.get(listed, {"ignored_at__isempty": "0"}).content.decode()
    assert "/data is not there." in aside


@pytest.mark.parametrize("page", ["", "operations/attention/"])
def test_attention_names_its_root(page: str) -> None:
    root = RootFactory.create(path="/data/novaseq")
    open_attention(f"root:{root.pk}", "missing", "It is not there.")
    text = staff("viewer").get(f"/admin/{page}").content.decode()
    assert f"root {root.pk}" not in text.lower()
    assert "/data/novaseq" in html.unescape(text).replace("<wbr>", "")


def test_events_name_what_they_are_about() -> None:
    robot = User.objects.create(username="robot")
    token, _ = create_token(robot, "demultiplexer", ["read"], actor=SYSTEM)
    gone = record_event("apitoken:999", "token_revoked", "Revoked.", actor=SYSTEM)
    client = staff("manager")
    listed = client.get("/admin/operations/event/").content.decode()
    link = f'<a href="{TOKENS}{token.pk}/change/">demultiplexer</a>'
    assert link in listed
    assert "Apitoken 999" in listed
    made = Event.objects.exclude(pk=gone.pk).get()
    page = client.get(f"/admin/operations/event/{made.pk}/change/")
    assert link in page.content.decode()


def test_events_are_read_only() -> None:
    event = record_event("host:a", "scan_requested", "Asked for.", data={"a": [1]})
    client = staff("manager")
    page = f"/admin/operations/event/{event.pk}/change/"
    assert "Asked for." in client.get(page).content.decode()
    assert client.post(page, {"message": "x"}).status_code == 403
    assert client.get("/admin/operations/event/add/").status_code == 403


def test_the_queues_have_no_pages_to_change_them() -> None:
    client = staff("manager")
    for model in ("schedule", "success", "failure", "ormq"):
        assert client.get(f"/admin/django_q/{model}/").status_code == 404


def test_each_role_may_what_the_one_before_may() -> None:
    may = role_permissions()
    assert may["viewer"] < may["operator"] < may["manager"]
    assert not any("view_" not in name for name in may["viewer"])


def test_roles_are_made_exactly_as_the_apps_say() -> None:
    sync_roles()
    role = Group.objects.get(name="viewer")
    role.permissions.clear()
    sync_roles()
    names = {
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in role.permissions.select_related("content_type")
    }
    assert names == role_permissions()["viewer"]
    assert Group.objects.count() == 3
