/* Stored records: bytes that say by themselves what they are and whether they are whole.
 *
 *   record = checksum u64 | format u8 | kind u8 | … fields of the kind … | wire JSON
 *
 * The checksum is XXH3 (64 bits) over everything behind it. Numbers are little-endian. The strings
 * of a task, an event, an attempt or a VM are offsets into the wire JSON, so that encoding is a
 * copy and decoding copies nothing. docs/STORAGE.md draws each kind. */
#ifndef TB_STORAGE_RECORD_H
#define TB_STORAGE_RECORD_H

#include "taskboard/err.h"
#include "taskboard/storage.h"

/* Raised when any kind changes its layout. */
#define TB_RECORD_FORMAT 1

enum tb_record_kind {
    TB_RECORD_TASK = 'T',
    TB_RECORD_EVENT = 'E',
    TB_RECORD_NOTE = 'N',
    TB_RECORD_ARTIFACT = 'A',
    TB_RECORD_HEAD = 'H',
    TB_RECORD_ATTEMPT = 'C',
    TB_RECORD_PAUSES = 'P',
    TB_RECORD_ANSWER = 'I',
    TB_RECORD_VM = 'V',
    TB_RECORD_CREDENTIAL = 'K',
    TB_RECORD_ANSWER_SHARE = 'S',
};

#define TB_RECORD_HEAD_BYTES   1768
#define TB_RECORD_HEAD_1_BYTES 1760 /* in a store of format 1 */

/* Encoders fill exactly as many bytes as the size function says. The task or event must be
 * rendered. Decoders hand out slices of `record`. They answer TB_E_STORAGE_CORRUPT, and leave the
 * out-parameter alone, when the checksum, the format, the kind, a length, an offset or an
 * enumerator is wrong. Thread-safe. */
size_t tb_record_task_size(const struct tb_task *task);
void tb_record_encode_task(const struct tb_task *task, void *out);
TB_MUST_CHECK enum tb_err tb_record_decode_task(struct tb_str record, struct tb_task *task);

size_t tb_record_event_size(const struct tb_event *event);
void tb_record_encode_event(const struct tb_event *event, void *out);
TB_MUST_CHECK enum tb_err tb_record_decode_event(struct tb_str record, struct tb_event *event);

/* The attempt must be rendered, too. */
size_t tb_record_attempt_size(const struct tb_attempt *attempt);
void tb_record_encode_attempt(const struct tb_attempt *attempt, void *out);
TB_MUST_CHECK enum tb_err tb_record_decode_attempt(struct tb_str record,
                                                   struct tb_attempt *attempt);

/* The VM must be rendered. Its sign of life is not in the record: decoded it is 0. */
size_t tb_record_vm_size(const struct tb_vm *vm);
void tb_record_encode_vm(const struct tb_vm *vm, void *out);
TB_MUST_CHECK enum tb_err tb_record_decode_vm(struct tb_str record, struct tb_vm *vm);

/* The credential must be rendered. */
size_t tb_record_credential_size(const struct tb_credential *credential);
void tb_record_encode_credential(const struct tb_credential *credential, void *out);
TB_MUST_CHECK enum tb_err tb_record_decode_credential(struct tb_str record,
                                                      struct tb_credential *credential);

size_t tb_record_answer_size(const struct tb_answer *answer);
void tb_record_encode_answer(const struct tb_answer *answer, void *out);
TB_MUST_CHECK enum tb_err tb_record_decode_answer(struct tb_str record, struct tb_answer *answer);

#define TB_RECORD_ANSWER_SHARE_BYTES 32

void tb_record_encode_answer_share(const struct tb_answer_share *kept, void *out);
TB_MUST_CHECK enum tb_err tb_record_decode_answer_share(struct tb_str record,
                                                        struct tb_answer_share *kept);

/* Notes, artifacts and pauses: nothing but their wire JSON. */
size_t tb_record_wire_size(struct tb_str wire);
void tb_record_encode_wire(enum tb_record_kind kind, struct tb_str wire, void *out);
TB_MUST_CHECK enum tb_err tb_record_decode_wire(enum tb_record_kind kind, struct tb_str record,
                                                struct tb_str *wire);

void tb_record_encode_head(const struct tb_head *head, void *out);
TB_MUST_CHECK enum tb_err tb_record_decode_head(struct tb_str record, struct tb_head *head);

#endif
