/* The bytes of server-sent events and of WebSocket frames. */
#include "http/stream_write.h"
#include "unit/base/check.h"

static struct tb_arena *arena;

static struct tb_event event_of(size_t bytes)
{
    char *wire = tb_arena_alloc(arena, bytes);
    memset(wire, 'x', bytes);
    return (struct tb_event){.seq = 12, .wire = tb_str_from(wire, bytes)};
}

static struct tb_str frame_of(size_t bytes)
{
    struct tb_event event = event_of(bytes);
    struct tb_buf out;
    tb_buf_init(&out, arena, 16);
    tb_stream_write_event(&out, TB_STREAM_WEBSOCKET, &event);
    return tb_buf_str(&out);
}

static void an_event_has_its_seq_as_id(void **state)
{
    (void)state;
    struct tb_event event = {.seq = 12, .wire = TB_STR("{\"seq\":12}")};
    struct tb_buf out;
    tb_buf_init(&out, arena, 16);
    tb_stream_write_event(&out, TB_STREAM_EVENTS, &event);
    assert_str(tb_buf_str(&out), "id: 12\ndata: {\"seq\":12}\n\n");
}

static void frames_tell_their_length_in_the_shortest_form(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        struct tb_str head;
    } rows[] = {
        {0, TB_STR("\x81\x00")},
        {1, TB_STR("\x81\x01")},
        {125, TB_STR("\x81\x7d")},
        {126, TB_STR("\x81\x7e\x00\x7e")},
        {65535, TB_STR("\x81\x7e\xff\xff")},
        {65536, TB_STR("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00")},
        {70000, TB_STR("\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_str frame = frame_of(rows[i].bytes);
        assert_int_equal(frame.len, rows[i].head.len + rows[i].bytes);
        assert_memory_equal(frame.ptr, rows[i].head.ptr, rows[i].head.len);
    }
}

static void a_reset_says_where_it_goes_on(void **state)
{
    (void)state;
    struct tb_buf out;
    tb_buf_init(&out, arena, 16);
    tb_stream_write_reset(&out, TB_STREAM_EVENTS, 5, 9);
    assert_str(tb_buf_str(&out), "event: reset\nid: 4\ndata: {\"oldest\":5,\"head\":9}\n\n");
    out.len = 0;
    tb_stream_write_reset(&out, TB_STREAM_WEBSOCKET, 5, 9);
    assert_str(tb_buf_str(&out), "\x81\x24{\"type\":\"reset\",\"oldest\":5,\"head\":9}");
    out.len = 0;
    tb_stream_write_reset(&out, TB_STREAM_FEED, 5, 9);
    assert_int_equal(out.len, 0);
}

static int set_up(void **state)
{
    (void)state;
    arena = tb_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_has_its_seq_as_id),
        cmocka_unit_test(frames_tell_their_length_in_the_shortest_form),
        cmocka_unit_test(a_reset_says_where_it_goes_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
