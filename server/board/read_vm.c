#include "base/json.h"
#include "board/read.h"
#include "board/vm_claims.h"
#include "board/vm_life.h"
#include "taskboard/limits.h"

static enum tb_err write_vm(struct tb_txn *txn, const struct tb_vm *vm, bool stale,
                            struct tb_buf *out)
{
    uint64_t claims = 0;
    enum tb_err err = tb_vm_count_claims(txn, vm->id, &claims);
    if (err == TB_OK) {
        tb_vm_write(vm, stale, claims, out);
    }
    return err;
}

enum tb_err tb_read_vm(struct tb_txn *txn, struct tb_str id, int64_t now_ms, struct tb_buf *out)
{
    struct tb_vm vm;
    enum tb_err err = tb_vm_load(txn, id, &vm);
    if (err != TB_OK) {
        return err == TB_E_ABSENT ? TB_E_VM_NOT_FOUND : err;
    }
    return write_vm(txn, &vm, tb_vm_is_stale(&vm, now_ms), out);
}

/* --- lists --- */

struct vms {
    struct tb_txn *txn;
    const struct tb_vms_request *request;
    int64_t now_ms;
    struct tb_buf *out;
    size_t bytes_max; /* of `out` */
    struct tb_arena *scratch;
    uint32_t count;
    bool truncated;
    enum tb_err err;
};

static bool has_service(const struct tb_json *list, struct tb_str wanted)
{
    for (const struct tb_json *service = list->child; service != NULL; service = service->next) {
        const struct tb_json *name = tb_json_member(service, "name");
        if (name != NULL && name->type == TB_JSON_STRING && tb_str_eq(tb_json_text(name), wanted)) {
            return true;
        }
    }
    return false;
}

/* Has it all the services that are asked for? */
static bool serves(struct vms *vms, struct tb_str services)
{
    const struct tb_vms_request *request = vms->request;
    const struct tb_json_limits limits = {
        .depth_max = TB_JSON_DEPTH_MAX, .tree_depth = 3, .node_count_max = TB_JSON_NODES_MAX};
    struct tb_json_error error;
    if (request->service_count == 0 || services.ptr == NULL) {
        return request->service_count == 0;
    }
    tb_arena_reset(vms->scratch);
    const struct tb_json *list = tb_json_parse(vms->scratch, services, &limits, &error);
    for (size_t i = 0; i < request->service_count; i++) {
        if (list == NULL || !has_service(list, request->services[i])) {
            return false;
        }
    }
    return true;
}

static bool fits(struct vms *vms, const struct tb_vm *vm, bool stale)
{
    const struct tb_vms_request *request = vms->request;
    return !tb_vm_is_gone(vm) && (request->role < 0 || request->role == (int)vm->role) &&
           (request->status < 0 || request->status == (int)vm->status) &&
           (request->status != (int)TB_VM_RUNNING || !stale) && serves(vms, vm->services);
}

static enum tb_visit add_vm(void *ctx, const struct tb_vm *vm)
{
    struct vms *vms = ctx;
    bool stale = tb_vm_is_stale(vm, vms->now_ms);
    if (!fits(vms, vm, stale)) {
        return TB_VISIT_NEXT;
    }
    if (vms->out->len >= vms->bytes_max) {
        vms->truncated = true;
        return TB_VISIT_STOP;
    }
    if (vms->count++ > 0) {
        TB_BUF_LIT(vms->out, ",");
    }
    vms->err = write_vm(vms->txn, vm, stale, vms->out);
    return vms->err == TB_OK ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

enum tb_err tb_read_vms(struct tb_txn *txn, const struct tb_vms_request *request, int64_t now_ms,
                        struct tb_buf *out)
{
    struct vms vms = {
        .txn = txn,
        .request = request,
        .now_ms = now_ms,
        .out = out,
        .bytes_max = out->len + TB_VMS_BYTES_MAX,
        .scratch = tb_arena_new(0),
    };
    enum tb_err err = TB_OK;
    TB_BUF_LIT(out, "{\"vms\":[");
    if (!request->nothing) {
        err = tb_visit_vms(txn, !request->discover, add_vm, &vms);
    }
    TB_BUF_LIT(out, "],\"count\":");
    tb_buf_add_u64(out, vms.count);
    if (vms.truncated) {
        TB_BUF_LIT(out, ",\"truncated\":true");
    }
    TB_BUF_LIT(out, "}");
    tb_arena_free(vms.scratch);
    return err != TB_OK ? err : vms.err;
}
