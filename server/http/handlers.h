/* All handlers, for the route table: each is a file, or a line of write.c. */
#ifndef TB_HTTP_HANDLERS_H
#define TB_HTTP_HANDLERS_H

#include "http/request.h"

void tb_handle_health(struct tb_request *request);
void tb_handle_ready(struct tb_request *request);
void tb_handle_metrics(struct tb_request *request);

void tb_handle_get_task(struct tb_request *request);
void tb_handle_get_notes(struct tb_request *request);
void tb_handle_list_tasks(struct tb_request *request);
void tb_handle_list_review(struct tb_request *request);
void tb_handle_list_ready(struct tb_request *request);
void tb_handle_attempts(struct tb_request *request);
void tb_handle_dependents(struct tb_request *request);
void tb_handle_why(struct tb_request *request);
void tb_handle_summary(struct tb_request *request);
void tb_handle_events(struct tb_request *request);
void tb_handle_history(struct tb_request *request);
void tb_handle_event_stream(struct tb_request *request);
void tb_handle_websocket(struct tb_request *request);

void tb_handle_list_vms(struct tb_request *request);
void tb_handle_discover(struct tb_request *request);
void tb_handle_get_vm(struct tb_request *request);
void tb_handle_register_vm(struct tb_request *request);
void tb_handle_put_vm(struct tb_request *request);
void tb_handle_patch_vm(struct tb_request *request);
void tb_handle_delete_vm(struct tb_request *request);
void tb_handle_vm_heartbeat(struct tb_request *request);

void tb_handle_list_feed(struct tb_request *request);
void tb_handle_get_feed_event(struct tb_request *request);
void tb_handle_feed_stats(struct tb_request *request);
void tb_handle_feed_stream(struct tb_request *request);
void tb_handle_publish(struct tb_request *request);
void tb_handle_clear_feed(struct tb_request *request);

void tb_handle_backup(struct tb_request *request);
void tb_handle_export(struct tb_request *request);
void tb_handle_import(struct tb_request *request);

void tb_handle_create(struct tb_request *request);
void tb_handle_patch(struct tb_request *request);
void tb_handle_delete(struct tb_request *request);
void tb_handle_note(struct tb_request *request);
void tb_handle_artifacts(struct tb_request *request);
void tb_handle_bump(struct tb_request *request);
void tb_handle_review(struct tb_request *request);
void tb_handle_approve(struct tb_request *request);
void tb_handle_reject(struct tb_request *request);
void tb_handle_claim(struct tb_request *request);
void tb_handle_claim_task(struct tb_request *request);
void tb_handle_heartbeat(struct tb_request *request);
void tb_handle_complete(struct tb_request *request);
void tb_handle_fail(struct tb_request *request);
void tb_handle_release(struct tb_request *request);
void tb_handle_cancel(struct tb_request *request);
void tb_handle_retry(struct tb_request *request);
void tb_handle_retry_many(struct tb_request *request);
void tb_handle_accept(struct tb_request *request);
void tb_handle_list_tokens(struct tb_request *request);
void tb_handle_create_token(struct tb_request *request);
void tb_handle_delete_token(struct tb_request *request);
void tb_handle_magic_link(struct tb_request *request);
void tb_handle_logout(struct tb_request *request);
void tb_handle_session(struct tb_request *request);
void tb_handle_dashboard(struct tb_request *request);
void tb_handle_dashboard_root(struct tb_request *request);
void tb_handle_login_page(struct tb_request *request);
void tb_handle_login(struct tb_request *request);

void tb_handle_pause(struct tb_request *request);
void tb_handle_resume(struct tb_request *request);

#endif
