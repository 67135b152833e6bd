/* The server's paths. Where two rows match, the earlier wins: /board/review is no task. */
#include "http/handlers.h"
#include "http/route.h"

#define GET    TB_METHOD_GET
#define POST   TB_METHOD_POST
#define PUT    TB_METHOD_PUT
#define PATCH  TB_METHOD_PATCH
#define DELETE TB_METHOD_DELETE

#define WRITE (TB_ROUTE_BODY | TB_ROUTE_LEGACY)
#define ENDS  TB_ROUTE_ENDS_CLAIM
#define LOGIN (WRITE | TB_ROUTE_SECRET)

const struct tb_route tb_routes[] = {
    {GET, "/health", tb_handle_health, TB_ROLE_OPEN, 0},
    {GET, "/ready", tb_handle_ready, TB_ROLE_OPEN, 0},
    {GET, "/metrics", tb_handle_metrics, TB_ROLE_VIEWER, 0},

    {GET, "/board/tasks", tb_handle_list_tasks, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {POST, "/board/tasks", tb_handle_create, TB_ROLE_WORKER, WRITE | TB_ROUTE_BIG_BODY},
    {GET, "/board/review", tb_handle_list_review, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {GET, "/board/ready", tb_handle_list_ready, TB_ROLE_VIEWER, 0},
    {GET, "/board/summary", tb_handle_summary, TB_ROLE_VIEWER, 0},
    {POST, "/board/claim", tb_handle_claim, TB_ROLE_WORKER, TB_ROUTE_BODY},
    {POST, "/board/retry", tb_handle_retry_many, TB_ROLE_COORDINATOR, TB_ROUTE_BODY},
    {POST, "/board/pause", tb_handle_pause, TB_ROLE_COORDINATOR, TB_ROUTE_BODY},
    {POST, "/board/resume", tb_handle_resume, TB_ROLE_COORDINATOR, TB_ROUTE_BODY},
    {GET, "/board/:id", tb_handle_get_task, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {GET, "/board/tasks/:id", tb_handle_get_task, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {PATCH, "/board/tasks/:id", tb_handle_patch, TB_ROLE_WORKER, WRITE | ENDS},
    {DELETE, "/board/tasks/:id", tb_handle_delete, TB_ROLE_COORDINATOR, TB_ROUTE_LEGACY | ENDS},
    {GET, "/board/tasks/:id/notes", tb_handle_get_notes, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {POST, "/board/tasks/:id/notes", tb_handle_note, TB_ROLE_WORKER, WRITE},
    {POST, "/board/tasks/:id/artifacts", tb_handle_artifacts, TB_ROLE_WORKER, WRITE},
    {POST, "/board/tasks/:id/bump", tb_handle_bump, TB_ROLE_WORKER, WRITE},
    {POST, "/board/tasks/:id/review", tb_handle_review, TB_ROLE_WORKER, WRITE | ENDS},
    {POST, "/board/tasks/:id/approve", tb_handle_approve, TB_ROLE_COORDINATOR, WRITE | ENDS},
    {POST, "/board/tasks/:id/reject", tb_handle_reject, TB_ROLE_COORDINATOR, WRITE | ENDS},
    {POST, "/board/tasks/:id/claim", tb_handle_claim_task, TB_ROLE_WORKER, TB_ROUTE_BODY},
    {POST, "/board/tasks/:id/heartbeat", tb_handle_heartbeat, TB_ROLE_WORKER, TB_ROUTE_BODY},
    {POST, "/board/tasks/:id/complete", tb_handle_complete, TB_ROLE_WORKER, TB_ROUTE_BODY},
    {POST, "/board/tasks/:id/fail", tb_handle_fail, TB_ROLE_WORKER, TB_ROUTE_BODY},
    {POST, "/board/tasks/:id/release", tb_handle_release, TB_ROLE_WORKER, TB_ROUTE_BODY},
    {POST, "/board/tasks/:id/cancel", tb_handle_cancel, TB_ROLE_COORDINATOR, TB_ROUTE_BODY},
    {POST, "/board/tasks/:id/retry", tb_handle_retry, TB_ROLE_COORDINATOR, TB_ROUTE_BODY},
    {GET, "/board/tasks/:id/attempts", tb_handle_attempts, TB_ROLE_VIEWER, 0},
    {GET, "/board/tasks/:id/dependents", tb_handle_dependents, TB_ROLE_VIEWER, 0},
    {POST, "/board/tasks/:id/attempts/:n/accept", tb_handle_accept, TB_ROLE_COORDINATOR,
     TB_ROUTE_BODY},
    {GET, "/board/tasks/:id/why", tb_handle_why, TB_ROLE_VIEWER, 0},
    {GET, "/board/tasks/:id/history", tb_handle_history, TB_ROLE_VIEWER, 0},

    {GET, "/registry/vms", tb_handle_list_vms, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {POST, "/registry/vms", tb_handle_register_vm, TB_ROLE_WORKER, WRITE},
    {GET, "/registry/vms/:id", tb_handle_get_vm, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {PUT, "/registry/vms/:id", tb_handle_put_vm, TB_ROLE_WORKER, TB_ROUTE_BODY},
    {PATCH, "/registry/vms/:id", tb_handle_patch_vm, TB_ROLE_WORKER, WRITE},
    {DELETE, "/registry/vms/:id", tb_handle_delete_vm, TB_ROLE_WORKER, TB_ROUTE_LEGACY},
    {POST, "/registry/vms/:id/heartbeat", tb_handle_vm_heartbeat, TB_ROLE_WORKER, WRITE},
    {GET, "/registry/discover/:role", tb_handle_discover, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},

    {GET, "/events", tb_handle_events, TB_ROLE_VIEWER, 0},
    {GET, "/events/stream", tb_handle_event_stream, TB_ROLE_VIEWER, 0},
    {GET, "/events/ws", tb_handle_websocket, TB_ROLE_VIEWER, 0},

    {GET, "/feed/events", tb_handle_list_feed, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {POST, "/feed/events", tb_handle_publish, TB_ROLE_WORKER, WRITE},
    {DELETE, "/feed/events", tb_handle_clear_feed, TB_ROLE_COORDINATOR, TB_ROUTE_LEGACY},
    {GET, "/feed/events/:id", tb_handle_get_feed_event, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {GET, "/feed/stats", tb_handle_feed_stats, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},
    {GET, "/feed/stream", tb_handle_feed_stream, TB_ROLE_VIEWER, TB_ROUTE_LEGACY},

    {GET, "/auth/tokens", tb_handle_list_tokens, TB_ROLE_ADMIN, 0},
    {POST, "/auth/tokens", tb_handle_create_token, TB_ROLE_ADMIN, TB_ROUTE_BODY | TB_ROUTE_SECRET},
    {DELETE, "/auth/tokens/:id", tb_handle_delete_token, TB_ROLE_ADMIN, 0},
    {POST, "/auth/magic-link", tb_handle_magic_link, TB_ROLE_VIEWER, LOGIN},
    {GET, "/auth/session", tb_handle_session, TB_ROLE_VIEWER, 0},
    {POST, "/auth/logout", tb_handle_logout, TB_ROLE_VIEWER, LOGIN},

    {GET, "/", tb_handle_dashboard_root, TB_ROLE_OPEN, 0},
    {GET, "/ui", tb_handle_dashboard_root, TB_ROLE_OPEN, 0},
    {GET, "/ui/login", tb_handle_login_page, TB_ROLE_OPEN, 0},
    {POST, "/ui/login", tb_handle_login, TB_ROLE_OPEN, LOGIN},
    {GET, "/admin/backup", tb_handle_backup, TB_ROLE_ADMIN, 0},
    {GET, "/admin/export", tb_handle_export, TB_ROLE_ADMIN, 0},
    {POST, "/admin/import", tb_handle_import, TB_ROLE_ADMIN, TB_ROUTE_BODY | TB_ROUTE_BIG_BODY},
    {GET, "/ui/*", tb_handle_dashboard, TB_ROLE_OPEN, 0},
};

const size_t tb_route_count = sizeof(tb_routes) / sizeof(tb_routes[0]);
