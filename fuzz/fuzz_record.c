/* Stored records of every kind, as hostile bytes.
 *
 * The first byte chooses the kind; when the second is odd the checksum is made right, and format
 * and kind with it, so that the fuzzer gets past them. What is decoded lies inside the record, and
 * encoded again it is a record that decodes. */
#include "fuzz.h"
#include "record.h"
#include "record_seal.h"

static char *bytes;
static struct tb_str record;

static void check_inside(struct tb_str part)
{
    must(part.ptr == NULL || (part.ptr >= record.ptr && part.len <= record.len &&
                              (size_t)(part.ptr - record.ptr) <= record.len - part.len));
}

static void check_strings(const struct tb_str *strings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_inside(strings[i]);
    }
}

static void run_task(void)
{
    struct tb_task task, again;
    if (tb_record_decode_task(record, &task) != TB_OK) {
        return;
    }
    check_inside(task.wire);
    check_strings(task.strings, TB_TASK_STRING_COUNT);
    must((unsigned)task.status < TB_STATUS_COUNT && (unsigned)task.outcome < TB_OUTCOME_COUNT);
    must(task.summary_len <= task.wire.len);
    must((unsigned)tb_task_state(&task) < TB_STATE_COUNT);
    must(tb_record_task_size(&task) == record.len);
    char *copy = fuzz_exact(record);
    tb_record_encode_task(&task, copy);
    must(tb_record_decode_task(tb_str_from(copy, record.len), &again) == TB_OK);
    must(again.version == task.version && again.rank_ms == task.rank_ms);
    free(copy);
}

static void run_event(void)
{
    struct tb_event event, again;
    if (tb_record_decode_event(record, &event) != TB_OK) {
        return;
    }
    check_inside(event.wire);
    check_inside(event.actor);
    check_inside(event.tags);
    check_inside(event.vm_id);
    check_inside(event.data);
    must((unsigned)event.type < TB_EVENT_TYPE_COUNT);
    must(tb_record_event_size(&event) == record.len);
    char *copy = fuzz_exact(record);
    tb_record_encode_event(&event, copy);
    must(tb_record_decode_event(tb_str_from(copy, record.len), &again) == TB_OK);
    free(copy);
}

static void run_attempt(void)
{
    struct tb_attempt attempt, again;
    if (tb_record_decode_attempt(record, &attempt) != TB_OK) {
        return;
    }
    check_inside(attempt.wire);
    check_strings(attempt.strings, TB_ATTEMPT_STRING_COUNT);
    must(tb_record_attempt_size(&attempt) == record.len);
    char *copy = fuzz_exact(record);
    tb_record_encode_attempt(&attempt, copy);
    must(tb_record_decode_attempt(tb_str_from(copy, record.len), &again) == TB_OK);
    free(copy);
}

static void run_vm(void)
{
    struct tb_vm vm, again;
    if (tb_record_decode_vm(record, &vm) != TB_OK) {
        return;
    }
    check_inside(vm.wire);
    check_strings(vm.strings, TB_VM_STRING_COUNT);
    must((unsigned)vm.role < TB_VM_ROLE_COUNT && (unsigned)vm.status < TB_VM_STATUS_COUNT);
    must(tb_record_vm_size(&vm) == record.len);
    char *copy = fuzz_exact(record);
    tb_record_encode_vm(&vm, copy);
    must(tb_record_decode_vm(tb_str_from(copy, record.len), &again) == TB_OK);
    free(copy);
}

static void run_answer(void)
{
    struct tb_answer answer, again;
    if (tb_record_decode_answer(record, &answer) != TB_OK) {
        return;
    }
    check_inside(answer.body);
    must(tb_record_answer_size(&answer) == record.len);
    char *copy = fuzz_exact(record);
    tb_record_encode_answer(&answer, copy);
    must(tb_record_decode_answer(tb_str_from(copy, record.len), &again) == TB_OK);
    must(again.http_status == answer.http_status && again.share == answer.share);
    free(copy);
}

static void run_answer_share(void)
{
    struct tb_answer_share kept, again;
    char copy[TB_RECORD_ANSWER_SHARE_BYTES];
    if (tb_record_decode_answer_share(record, &kept) != TB_OK) {
        return;
    }
    must(record.len == sizeof(copy));
    tb_record_encode_answer_share(&kept, copy);
    must(tb_record_decode_answer_share(tb_str_from(copy, sizeof(copy)), &again) == TB_OK);
    must(again.answers == kept.answers && again.bytes == kept.bytes);
}

static void run_credential(void)
{
    struct tb_credential credential, again;
    if (tb_record_decode_credential(record, &credential) != TB_OK) {
        return;
    }
    check_inside(credential.wire);
    check_strings(credential.strings, TB_CREDENTIAL_STRING_COUNT);
    must(credential.kind < TB_CREDENTIAL_KIND_COUNT);
    must(credential.role >= TB_ROLE_VIEWER && credential.role <= TB_ROLE_ADMIN);
    must(tb_record_credential_size(&credential) == record.len);
    char *copy = fuzz_exact(record);
    tb_record_encode_credential(&credential, copy);
    must(tb_record_decode_credential(tb_str_from(copy, record.len), &again) == TB_OK);
    must(tb_id_cmp(again.id, credential.id) == 0 && again.expires_ms == credential.expires_ms);
    free(copy);
}

static void run_head(void)
{
    struct tb_head head, again;
    char copy[TB_RECORD_HEAD_BYTES];
    if (tb_record_decode_head(record, &head) != TB_OK) {
        return;
    }
    must(record.len == TB_RECORD_HEAD_BYTES || record.len == TB_RECORD_HEAD_1_BYTES);
    tb_record_encode_head(&head, copy);
    must(tb_record_decode_head(tb_str_from(copy, sizeof(copy)), &again) == TB_OK);
    must(again.seq == head.seq && again.changes == head.changes);
    (void)tb_rates_within(&head.rates, TB_RATE_CREATED, 60000, head.last_ms);
}

static void run_wire(enum tb_record_kind kind)
{
    struct tb_str wire;
    if (tb_record_decode_wire(kind, record, &wire) != TB_OK) {
        return;
    }
    check_inside(wire);
    must(tb_record_wire_size(wire) == record.len);
}

static void run_note(void)
{
    run_wire(TB_RECORD_NOTE);
}

static void run_artifact(void)
{
    run_wire(TB_RECORD_ARTIFACT);
}

static void run_pauses(void)
{
    run_wire(TB_RECORD_PAUSES);
}

static const struct {
    enum tb_record_kind kind;
    void (*run)(void);
} kinds[] = {
    {TB_RECORD_TASK, run_task},
    {TB_RECORD_EVENT, run_event},
    {TB_RECORD_ATTEMPT, run_attempt},
    {TB_RECORD_VM, run_vm},
    {TB_RECORD_ANSWER, run_answer},
    {TB_RECORD_HEAD, run_head},
    {TB_RECORD_NOTE, run_note},
    {TB_RECORD_ARTIFACT, run_artifact},
    {TB_RECORD_PAUSES, run_pauses},
    {TB_RECORD_CREDENTIAL, run_credential},
    {TB_RECORD_ANSWER_SHARE, run_answer_share},
};

static void seal(enum tb_record_kind kind)
{
    if (record.len >= sizeof(struct tb_record_envelope)) {
        bytes[offsetof(struct tb_record_envelope, format)] = TB_RECORD_FORMAT;
        bytes[offsetof(struct tb_record_envelope, kind)] = (char)kind;
        tb_record_seal(bytes, record.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_of(data, size);
    unsigned choice = (unsigned)(fuzz_byte(&input) - 'a') % (sizeof(kinds) / sizeof(kinds[0]));
    bool sealed = (fuzz_byte(&input) & 1) != 0;
    struct tb_str rest = fuzz_rest(&input);
    bytes = fuzz_exact(rest);
    record = tb_str_from(bytes, rest.len);
    if (sealed) {
        seal(kinds[choice].kind);
    }
    kinds[choice].run();
    free(bytes);
    return 0;
}
