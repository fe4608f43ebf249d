"""What a caller may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from seqhub.operations.api.authentication import OpenNetwork
from seqhub.operations.choices import Scope
from seqhub.operations.models import ApiToken

if TYPE_CHECKING:  # it imports this module, as the settings say
    from rest_framework.views import APIView


class ScopePermission(BasePermission):
    """A token needs the scope, and its user the permission: a token can do no
    more than the person whom it belongs to.

    Safe methods need `read`, others `write`; a view may name another scope in
    `required_scope`. Which model permission a scope stands for, the view says
    in `model_permissions`, as in `{"write": "runfolders.change_runfolder"}`;
    without one, being signed in (staff) or the scope is enough. Open networks
    may do all that the paths offer that `api.open_to` covers.
    """

    message = ""

    def has_permission(self, request: Request, view: APIView) -> bool:
        auth = request.auth
        if isinstance(auth, OpenNetwork):
            return True
        user = request.user
        if not user.is_authenticated:
            raise NotAuthenticated("Send a token: `Authorization: Bearer <token>`.")
        scope = needed_scope(request, view)
        if isinstance(auth, ApiToken):
            if auth.bound_to:
                self.message = f"This token works for {auth.bound_to} only."
                return False
            if scope not in auth.scopes:
                self.message = f"This needs a token with the scope {scope}."
                return False
        elif not (user.is_active and user.is_staff):
            self.message = f"{user.get_username()} is not a member of staff."
            return False
        permission = getattr(view, "model_permissions", {}).get(scope)
        if permission and not user.has_perm(permission):
            self.message = (
                f"{user.get_username()} lacks the permission {permission}; "
                "a manager can give it (console, Users)."
            )
            return False
        return True


def needed_scope(request: Request, view: APIView) -> str:
    """The scope that this call of `view` takes."""
    named = getattr(view, "required_scope", None)
    if named:
        return str(named)
    return Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
