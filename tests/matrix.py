"""Who may use which route: written down by hand, to be held against every route there is.

A line has method, path (below /api/v1), the action in `domain/roles.py`, and whose the thing is that the path names:
`-` it names none, or everybody in the tenant has it; `own` it is a person's: others of the tenant do not find it, but for its
administrators; `tenant` it belongs to a tenant and is found there and from above; `above` only from above; `forge` only by
those of the default tenant; `named` it is looked for by a name among the caller's own; `any` what everybody has who is signed in.
"""

TABLE = """
GET    /sessions                                        session.read       -
POST   /sessions                                        session.write      -
GET    /sessions/{session_id}                           session.read       own
GET    /sessions/{session_id}/options                   session.read       own
PATCH  /sessions/{session_id}                           session.write      own
DELETE /sessions/{session_id}                           session.write      own
POST   /sessions/{session_id}/fork                      session.write      own
POST   /sessions/{session_id}/start                     session.write      own
POST   /sessions/{session_id}/stop                      session.write      own
POST   /sessions/{session_id}/archive                   session.write      own
POST   /sessions/{session_id}/restore                   session.write      own
POST   /sessions/{session_id}/ticket                    session.connect    own
PUT    /sessions/{session_id}/activity                  session.report     own
GET    /sessions/{session_id}/logs                      session.read       own
GET    /sessions/{session_id}/history                   session.read       own
GET    /sessions/{session_id}/budgets                   session.read       own
GET    /sessions/{session_id}/events                    session.read       own
POST   /sessions/{session_id}/events                    session.write      own
POST   /sessions/{session_id}/events/batch              session.write      own
GET    /sessions/{session_id}/events/counts             session.read       own
GET    /sessions/{session_id}/events/tokens             session.read       own
POST   /sessions/{session_id}/report                    session.report     own
GET    /sessions/{session_id}/timeline                  session.read       own
GET    /sessions/{session_id}/usage                     session.read       own
POST   /sessions/{session_id}/usage                     session.write      own
GET    /sessions/{session_id}/chronicle                 session.read       own
GET    /chronicles                                      chronicle.read     -
POST   /chronicles                                      chronicle.write    -
GET    /chronicles/{chronicle_id}                       chronicle.read     own
PATCH  /chronicles/{chronicle_id}                       chronicle.write    own
DELETE /chronicles/{chronicle_id}                       chronicle.write    own
POST   /chronicles/{chronicle_id}/reforge               session.write      own
GET    /chronicles/{chronicle_id}/chain                 chronicle.read     own
GET    /chronicles/{chronicle_id}/timeline              chronicle.read     own
GET    /admin/settings                                  setting.read       -
PATCH  /admin/settings                                  setting.write      forge
GET    /resources                                       resource.read      -
GET    /workspaces                                      workspace.read     -
GET    /workspaces/{workspace_id}                       workspace.read     own
POST   /workspaces/{workspace_id}/snapshot              workspace.write    own
DELETE /workspaces/{workspace_id}                       workspace.write    own
GET    /mcp-servers                                     mcp_server.read    -
GET    /mcp-servers/{name}                              mcp_server.read    named
GET    /secrets                                         secret.read        -
GET    /secrets/{name}                                  secret.read        named
PUT    /secrets/{name}                                  secret.write       named
DELETE /secrets/{name}                                  secret.write       named
GET    /audit                                           audit.read         -
GET    /budgets                                         budget.read        -
POST   /budgets                                         budget.read        -
GET    /budgets/{budget_id}                             budget.read        own
PATCH  /budgets/{budget_id}                             budget.read        own
DELETE /budgets/{budget_id}                             budget.read        own
GET    /events/sinks                                    system.metrics     -
GET    /access-tokens                                   access_token.read  -
POST   /access-tokens                                   access_token.write -
DELETE /access-tokens/{token_id}                        access_token.write named
GET    /me                                              any                -
GET    /system                                          system.read        -
GET    /agents                                          system.read        -
GET    /openapi.json                                    system.read        -
GET    /system/folders                                  system.folders     -
GET    /credentials                                     credential.read    -
GET    /credentials/-/types                             credential.read    -
POST   /credentials/-/mount-preview                     credential.read    -
GET    /credentials/{name}                              credential.read    named
PUT    /credentials/{name}                              credential.write   named
DELETE /credentials/{name}                              credential.write   named
GET    /credentials/{name}/mount-preview                credential.read    named
GET    /definitions                                     session.read       -
GET    /git/repositories                                git.read           -
GET    /git/repository                                  git.read           -
GET    /git/branches                                    git.read           -
POST   /git/pull-requests                               git.write          -
GET    /git/pull-requests                               git.read           -
GET    /git/pull-requests/{number}                      git.read           named
POST   /git/pull-requests/{number}/merge                git.write          named
GET    /git/pull-requests/{number}/checks               git.read           named
POST   /git/confidence                                  git.read           -
GET    /integrations/catalog                            integration.read   -
GET    /integrations                                    integration.read   -
POST   /integrations                                    integration.write  -
GET    /integrations/{integration_id}                   integration.read   named
PATCH  /integrations/{integration_id}                   integration.write  named
DELETE /integrations/{integration_id}                   integration.write  named
POST   /integrations/{integration_id}/test              integration.write  named
POST   /login/codes                                     any                -
GET    /metrics                                         system.metrics     -
GET    /models                                          model.read         -
GET    /permissions                                     permission.read    -
GET    /presets                                         preset.read        -
POST   /presets                                         preset.write       -
GET    /presets/{preset_id}                             preset.read        own
PATCH  /presets/{preset_id}                             preset.write       own
DELETE /presets/{preset_id}                             preset.write       own
PUT    /presets/{preset_id}/default                     preset.write       own
DELETE /presets/{preset_id}/default                     preset.write       own
GET    /profiles                                        profile.read       -
GET    /profiles/{name}                                 profile.read       named
GET    /prompts                                         prompt.read        -
GET    /prompts/search                                  prompt.read        -
POST   /prompts                                         prompt.write       -
GET    /prompts/{prompt_id}                             prompt.read        own
PATCH  /prompts/{prompt_id}                             prompt.write       own
DELETE /prompts/{prompt_id}                             prompt.write       own
GET    /retention                                       retention.read     -
POST   /retention                                       retention.write    -
GET    /stats                                           stat.read          -
GET    /stats/usage                                     stat.read          -
GET    /templates                                       template.read      -
GET    /templates/{name}                                template.read      named
GET    /tenants                                         tenant.read        -
POST   /tenants                                         tenant.write       -
GET    /tenants/{tenant_id}                             tenant.read        tenant
PATCH  /tenants/{tenant_id}                             tenant.write       tenant
DELETE /tenants/{tenant_id}                             tenant.write       above
GET    /tenants/{tenant_id}/members                     member.read        tenant
PUT    /tenants/{tenant_id}/members/{user_id}           member.write       tenant
DELETE /tenants/{tenant_id}/members/{user_id}           member.write       tenant
GET    /tracker/status                                  tracker.read       -
GET    /tracker/issues                                  tracker.read       -
GET    /tracker/issues/{key}                            tracker.read       named
PATCH  /tracker/issues/{key}                            tracker.write      named
GET    /tracker/mappings                                tracker.read       -
POST   /tracker/mappings                                tracker.write      -
GET    /tracker/mappings/{mapping_id}                   tracker.read       tenant
PATCH  /tracker/mappings/{mapping_id}                   tracker.write      tenant
DELETE /tracker/mappings/{mapping_id}                   tracker.write      tenant
GET    /users                                           user.read          -
POST   /users                                           user.write         -
GET    /users/{user_id}                                 user.read          tenant
PATCH  /users/{user_id}                                 user.write         tenant
POST   /users/{user_id}/login-link                      user.write         tenant
"""

OPEN = {("POST", "/api/v1/login"), ("DELETE", "/api/v1/login"), ("GET", "/healthz"), ("GET", "/readyz")}
"""Asks for nobody."""
STREAM = ("GET", "/api/v1/stream")
"""Has no end: it is tried by itself."""


def rules() -> dict[tuple[str, str], tuple[str, str]]:
    """(method, path) → (action, whose)."""
    found = {}
    for line in TABLE.split("\n"):
        if line:
            method, path, action, whose = line.split()
            found[method, path if path == "/metrics" else f"/api/v1{path}"] = (action, whose)
    return found


BODIES: dict[tuple[str, str], object] = {
    ("POST", "/sessions"): {"name": "new", "agent": "demo", "start": False},
    ("PATCH", "/sessions/{session_id}"): {"name": "other"},
    ("POST", "/sessions/{session_id}/fork"): {"name": "forked", "start": False},
    ("PUT", "/sessions/{session_id}/activity"): {"state": "idle"},
    ("POST", "/sessions/{session_id}/events"): {"type": "error", "data": {}},
    ("POST", "/sessions/{session_id}/events/batch"): {"events": [{"type": "error", "data": {}}]},
    ("POST", "/sessions/{session_id}/report"): {"epoch": "e", "items": []},
    ("POST", "/sessions/{session_id}/usage"): {"epoch": "e", "seq": 1, "model": "m"},
    ("PATCH", "/chronicles/{chronicle_id}"): {"summary": "other"},
    ("POST", "/chronicles/{chronicle_id}/reforge"): {"name": "again", "start": False},
    ("PATCH", "/admin/settings"): {"announcement": ""},
    ("PUT", "/secrets/{name}"): {"values": {"a": "b"}},
    ("PATCH", "/budgets/{budget_id}"): {"limit_usd": 7},
    ("POST", "/access-tokens"): {"name": "one"},
    ("POST", "/credentials/-/mount-preview"): {"name": "a", "type": "api_key", "values": {"api_key": "k"}},
    ("PUT", "/credentials/{name}"): {"type": "api_key", "values": {"api_key": "k"}},
    ("POST", "/presets"): {"name": "new"},
    ("PATCH", "/presets/{preset_id}"): {"description": "other"},
    ("POST", "/prompts"): {"name": "new", "content": "x"},
    ("PATCH", "/prompts/{prompt_id}"): {"content": "other"},
    ("POST", "/tenants"): {"id": "newer", "name": "Newer"},
    ("PATCH", "/tenants/{tenant_id}"): {"name": "Other"},
    ("PUT", "/tenants/{tenant_id}/members/{user_id}"): {"role": "viewer"},
    ("POST", "/tracker/mappings"): {"repo": "new", "provider": "p", "project": "A"},
    ("PATCH", "/tracker/mappings/{mapping_id}"): {"project": "B"},
    ("POST", "/users"): {"id": "newer", "role": "viewer"},
    ("PATCH", "/users/{user_id}"): {"name": "Other"},
}
"""What is sent, so that a request fails for want of a right and not of a body."""
