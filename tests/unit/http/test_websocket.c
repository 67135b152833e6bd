/* One WebSocket over bytes; the examples are those of RFC 6455. */
#include "base/buf.h"
#include "http/websocket.h"
#include "unit/base/check.h"

static struct tb_arena *arena;
static struct tb_websocket *websocket;
static unsigned message_count;
static struct tb_str last_message;

static void on_text(void *ctx, struct tb_str message)
{
    assert_ptr_equal(ctx, arena);
    last_message = tb_arena_dup(arena, message);
    message_count++;
}

static int set_up(void **state)
{
    (void)state;
    arena = tb_arena_new(0);
    websocket = tb_websocket_new(on_text, arena);
    message_count = 0;
    last_message = TB_STR_NONE;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_websocket_free(&websocket);
    assert_null(websocket);
    tb_arena_free(arena);
    return 0;
}

#define ws_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* A frame of the client with a mask of zeros. */
static struct tb_str frame(unsigned first, size_t len, char fill)
{
    struct tb_buf out;
    unsigned char head[14] = {(unsigned char)first, 0x80};
    size_t head_len = 2;
    if (len < 126) {
        head[1] |= (unsigned char)len;
    } else {
        head[1] |= 126;
        head[2] = (unsigned char)(len >> 8);
        head[3] = (unsigned char)len;
        head_len = 4;
    }
    tb_buf_init(&out, arena, len + 20);
    tb_buf_add(&out, head, head_len + 4);
    memset(tb_buf_reserve(&out, len), fill, len);
    out.len += len;
    return tb_buf_str(&out);
}

static struct tb_str output(void)
{
    return tb_websocket_output(websocket, arena);
}

static void the_accept_key_is_that_of_the_standard(void **state)
{
    (void)state;
    char accept[TB_WEBSOCKET_ACCEPT_LEN];
    assert_true(tb_websocket_accept(TB_STR("dGhlIHNhbXBsZSBub25jZQ=="), accept));
    assert_str(tb_str_from(accept, sizeof(accept)), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void a_key_that_is_none(void **state)
{
    (void)state;
    char accept[TB_WEBSOCKET_ACCEPT_LEN];
    assert_false(tb_websocket_accept(TB_STR_NONE, accept));
    assert_false(tb_websocket_accept(TB_STR(""), accept));
    assert_false(tb_websocket_accept(TB_STR("dGhlIHNhbXBsZSBub25j"), accept));
    assert_false(tb_websocket_accept(TB_STR("dGhlIHNhbXBsZSBub25jZQA="), accept));
    assert_false(tb_websocket_accept(TB_STR("dGhlIHNhbXBsZSBub25j!Q=="), accept));
}

static void a_masked_message_of_the_standard(void **state)
{
    (void)state;
    tb_websocket_take(websocket, TB_STR("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
    assert_int_equal(message_count, 1);
    assert_str(last_message, "Hello");
    assert_int_equal(output().len, 0);
}

static void messages_come_in_any_pieces(void **state)
{
    (void)state;
    struct tb_str bytes =
        TB_STR("\x01\x83\0\0\0\0abc\x89\x81\0\0\0\0!\x80\x82\0\0\0\0de\x81\x80\0\0\0\0");
    for (size_t i = 0; i < bytes.len; i++) {
        tb_websocket_take(websocket, tb_str_from(bytes.ptr + i, 1));
        if (message_count == 1) {
            assert_str(last_message, "abcde");
        }
    }
    assert_int_equal(message_count, 2);
    assert_str(last_message, "");
    assert_str(output(), "\x8a\x01!");
}

static void pongs_wait_until_they_are_taken(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        tb_websocket_take(websocket, TB_STR("\x89\x80\0\0\0\0"));
    }
    assert_int_equal(tb_websocket_queued(websocket), 5);
    assert_str(output(), "\x8a\x00\x8a\x00\x8a\x00\x8a\x00\x8a\x00");
    assert_int_equal(tb_websocket_queued(websocket), 0);
}

static void what_the_server_says(void **state)
{
    (void)state;
    tb_websocket_send(websocket, TB_STR("{}"));
    tb_websocket_ping(websocket);
    struct tb_str said = output(); /* control frames go first */
    assert_str(said, "\x89\x00\x81\x02{}");
}

static void the_client_closes(void **state)
{
    (void)state;
    tb_websocket_take(websocket, TB_STR("\x88\x82\0\0\0\0\x03\xe8"));
    assert_true(tb_websocket_is_closing(websocket));
    assert_false(tb_websocket_is_over(websocket));
    tb_websocket_send(websocket, TB_STR("{}")); /* too late */
    assert_str(output(), "\x88\x02\x03\xe8");
    assert_true(tb_websocket_has_said_goodbye(websocket));
    assert_true(tb_websocket_is_over(websocket));
}

/* In pieces its reason is not judged as it should be: this one is no UTF-8. */
static void the_reason_of_a_client_is_not_given_back(void **state)
{
    (void)state;
    tb_websocket_send(websocket, TB_STR("{}"));
    assert_str(output(), "\x81\x02{}");
    tb_websocket_take(websocket, TB_STR("\x88\x84\0\0\0\0\x0f\xa0"));
    tb_websocket_take(websocket, TB_STR("\xff\xff"));
    assert_true(tb_websocket_is_closing(websocket));
    assert_str(output(), "\x88\x02\x0f\xa0");
    assert_true(tb_websocket_is_over(websocket));
}

static void the_server_closes(void **state)
{
    (void)state;
    tb_websocket_close(websocket, TB_WEBSOCKET_GOING_AWAY, "bye");
    tb_websocket_close(websocket, TB_WEBSOCKET_FAULT, "again"); /* once is enough */
    assert_true(tb_websocket_is_closing(websocket));
    assert_false(tb_websocket_has_said_goodbye(websocket));
    assert_str(output(), "\x88\x05\x03\xe9"
                         "bye");
    assert_true(tb_websocket_has_said_goodbye(websocket));
    assert_false(tb_websocket_is_over(websocket));
    tb_websocket_take(websocket, frame(0x81, 3, 'x')); /* is not listened to */
    assert_int_equal(message_count, 0);
    tb_websocket_take(websocket, TB_STR("\x88\x82\0\0\0\0\x03\xe9"));
    assert_true(tb_websocket_is_over(websocket));
    assert_int_equal(output().len, 0);
}

static void check_close(struct tb_str bytes, unsigned code)
{
    tb_websocket_take(websocket, bytes);
    struct tb_str said = output();
    assert_true(said.len >= 4);
    assert_int_equal((unsigned char)said.ptr[0], 0x88);
    assert_int_equal((unsigned char)said.ptr[2] << 8 | (unsigned char)said.ptr[3], code);
    assert_true(tb_websocket_has_said_goodbye(websocket));
    assert_int_equal(message_count, 0);
    tb_websocket_take(websocket, frame(0x81, 3, 'x'));
    assert_int_equal(message_count, 0);
}

static void faults_have_their_codes(void **state)
{
    (void)state;
    const struct {
        struct tb_str bytes;
        unsigned code;
    } rows[] = {
        {frame(0x82, 3, 'x'), 1003},
        {frame(0x81, TB_WEBSOCKET_MESSAGE_BYTES_MAX + 1, 'x'), 1009},
        {frame(0x81, 3, '\xff'), 1007},
        {TB_STR("\x81\x01x"), 1002},                /* not masked */
        {frame(0xc1, 3, 'x'), 1002},                /* an extension that nobody asked for */
        {frame(0x83, 3, 'x'), 1002},                /* no opcode */
        {frame(0x80, 3, 'x'), 1002},                /* goes on with nothing */
        {frame(0x09, 3, 'x'), 1002},                /* a ping in fragments */
        {frame(0x89, 126, 'x'), 1002},              /* a ping that is too long */
        {TB_STR("\x88\x82\0\0\0\0\x03\xed"), 1002}, /* 1005 is never sent */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        tb_websocket_free(&websocket);
        websocket = tb_websocket_new(on_text, arena);
        check_close(rows[i].bytes, rows[i].code);
    }
}

static void the_longest_message_is_taken(void **state)
{
    (void)state;
    tb_websocket_take(websocket, frame(0x81, TB_WEBSOCKET_MESSAGE_BYTES_MAX, 'x'));
    assert_int_equal(message_count, 1);
    assert_int_equal(last_message.len, TB_WEBSOCKET_MESSAGE_BYTES_MAX);
}

static void fragments_are_counted(void **state)
{
    (void)state;
    tb_websocket_take(websocket, frame(0x01, 1, 'x'));
    for (unsigned i = 0; i < 63; i++) {
        tb_websocket_take(websocket, frame(0x00, 1, 'x'));
    }
    assert_false(tb_websocket_is_closing(websocket));
    check_close(frame(0x00, 1, 'x'), 1008);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ws_test(the_accept_key_is_that_of_the_standard),
        ws_test(a_key_that_is_none),
        ws_test(a_masked_message_of_the_standard),
        ws_test(messages_come_in_any_pieces),
        ws_test(pongs_wait_until_they_are_taken),
        ws_test(what_the_server_says),
        ws_test(the_client_closes),
        ws_test(the_reason_of_a_client_is_not_given_back),
        ws_test(the_server_closes),
        ws_test(faults_have_their_codes),
        ws_test(the_longest_message_is_taken),
        ws_test(fragments_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
